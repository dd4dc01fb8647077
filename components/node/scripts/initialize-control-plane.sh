#!/usr/bin/env bash
# kubeadm init on a clean machine, with the certificate authorities of this cluster: for a new cluster, or for a new
# machine on the disk of an old one. Called by configure-control-plane.sh.
set -euo pipefail
# shellcheck source=components/node/scripts/common.sh
source "$(dirname "$0")/common.sh"
# shellcheck source=components/node/scripts/kubeadm-common.sh
source "$(dirname "$0")/kubeadm-common.sh"
BIN="$(dirname "$0")"
readonly BIN
readonly DATA=/var/lib/etcd/data
readonly CLUSTER_MARK=/var/lib/etcd/cluster-ca.sha256

main() {
  local -a options=(--config "$QUORATE_ETC/kubeadm.yaml")
  start_log
  load_environment MACHINE_NAME NODE_ADDRESS KUBERNETES_VERSION
  if [[ -e $CLUSTER_MARK ]]; then
    say "the disk holds this cluster's data: this machine takes its place again"
    # Cluster DNS is there and may have been tuned since.
    options+=(--skip-phases "show-join-command,addon/coredns")
  elif [[ -d $DATA ]]; then
    say "the disk holds data of an initialization that never completed: removing it"
    rm --recursive --force "$DATA"
  fi
  if [[ -n ${ETCD_VOLUME_ID:-} ]]; then
    mkdir -p "$DATA"
    chmod 700 "$DATA"
  fi
  # kubeadm reaches its own API server by the endpoint's name, before anything else serves there.
  "$BIN/name-api-endpoint.sh" "$NODE_ADDRESS"
  "$BIN/install-certificates.sh" all
  # An etcd member that is down must keep no control plane out.
  say "kubeadm init, Kubernetes $KUBERNETES_VERSION"
  run_kubeadm init "${options[@]}" --ignore-preflight-errors "$(ignored_checks "DirAvailable-${DATA//\//-}" ExternalEtcdVersion)"
  systemctl enable --quiet kubelet
  wait_until 120 "the API server to be ready" admin_kubectl get --raw /readyz
  say "the control plane is up"
}

main
