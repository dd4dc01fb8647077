#!/usr/bin/env bash
# kubeadm join of a clean machine as a control plane, with the certificate authorities of this cluster.
# Called by configure-control-plane.sh.
set -euo pipefail
umask 077
# shellcheck source=components/node/scripts/common.sh
source "$(dirname "$0")/common.sh"
# shellcheck source=components/node/scripts/kubeadm-common.sh
source "$(dirname "$0")/kubeadm-common.sh"
BIN="$(dirname "$0")"
readonly BIN
readonly PKI="$QUORATE_ETC/pki"
readonly DATA="${ETCD_DISK:-/var/lib/etcd}/data"
readonly CLUSTER_SECONDS="${CLUSTER_SECONDS:-1200}"

# Of another control plane, if one is ready: the load balancer may still be in the making, which takes AWS minutes.
find_the_cluster() {
  local host
  for host in ${CONTROL_PLANE_ADDRESSES:-}; do
    if api_answers "$PKI/ca.crt" "$host" >/dev/null 2>&1; then
      "$BIN/name-api-endpoint.sh" "$host"
      return
    fi
  done
  api_answers "$PKI/ca.crt"
}

# The group of bootstrap tokens may ask for a node's certificate; that of administrators may remove the old Node.
prepare_discovery() {
  local -r subject="/O=system:bootstrappers:kubeadm:default-node-token/O=kubeadm:cluster-admins/CN=$MACHINE_NAME"
  mint_certificate "$1" "$PKI/ca" "$subject"
  write_discovery "{client-certificate-data: $(base64 --wrap 0 "$1/client.crt"), client-key-data: $(base64 --wrap 0 "$1/client.key")}" "$PKI/ca.crt"
}

main() {
  local work
  start_log
  load_environment MACHINE_NAME NODE_ADDRESS API_ENDPOINT_NAME KUBERNETES_VERSION
  install --directory --mode 700 "$(dirname "$DISCOVERY")"
  work="$(mktemp --directory "$(dirname "$DISCOVERY")/join.XXXXXX")"
  # shellcheck disable=SC2064 # the directory of now
  trap "rm --recursive --force '$work' '$DISCOVERY'" EXIT
  "$BIN/install-certificates.sh" all
  say "waiting for the cluster, at another control plane or at $API_ENDPOINT_NAME"
  wait_until "$CLUSTER_SECONDS" "the API of another control plane, or at $API_ENDPOINT_NAME" find_the_cluster
  prepare_discovery "$work"
  # kubeadm refuses a name that a Ready node has; this machine is new, so that one is gone.
  wait_until 60 "the API to accept this machine" \
    kubectl --kubeconfig "$DISCOVERY" --request-timeout 10s delete node "$MACHINE_NAME" --ignore-not-found
  # A member without data must go first, or etcd would start under an identity that others know with more data.
  if [[ -n ${ETCD_VOLUME_ID:-} ]]; then
    "$BIN/leave-etcd.sh"
    rm --recursive --force "$DATA"
    mkdir -p "$DATA"
  fi
  # An etcd member that is down must keep no control plane out.
  say "kubeadm join, Kubernetes $KUBERNETES_VERSION"
  run_kubeadm join --config "$QUORATE_ETC/join.yaml" \
    --ignore-preflight-errors "$(ignored_checks "DirAvailable-${DATA//\//-}" ExternalEtcdVersion)"
  systemctl enable --quiet kubelet
  wait_until 120 "the API server of this machine to be ready" own_api_is_ready
  say "this machine has joined"
}

main
