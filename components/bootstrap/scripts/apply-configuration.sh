#!/usr/bin/env bash
# Brings a running control plane to the configuration in /etc/quorate/kubeadm.yaml, in place: the cluster's stored
# configuration, the kubelet's, the static pods, kube-proxy, the taint. Called by configure-control-plane.sh.
set -euo pipefail
# shellcheck source=components/bootstrap/scripts/common.sh
source "$(dirname "$0")/common.sh"
# shellcheck source=components/bootstrap/scripts/configuration-turn.sh
source "$(dirname "$0")/configuration-turn.sh"

readonly CONFIG="$QUORATE_ETC/kubeadm.yaml"
readonly APPLIED="$QUORATE_ETC/applied-kubeadm.yaml"
readonly MANIFESTS=/etc/kubernetes/manifests
readonly TAINT=node-role.kubernetes.io/control-plane:NoSchedule

# document KIND FILE: the document of that kind.
document() {
  awk -v kind="kind: $1" 'BEGIN { RS = "---\n" } index($0, kind "\n") { print }' "$2"
}

# changed KIND: whether that document differs from the one that runs.
changed() {
  ! cmp --silent <(document "$1" "$APPLIED") <(document "$1" "$CONFIG")
}

phase() {
  kubeadm init phase "$@" --config "$CONFIG" 2>&1 | sed 's/^/  /'
}

# The kubelet gives the mirror pod of a static pod the hash of the manifest that it runs.
running_hash() {
  admin_kubectl --namespace kube-system get pod "$1-$MACHINE_NAME" \
    --output 'jsonpath={.metadata.annotations.kubernetes\.io/config\.hash}'
}

runs_other_than() {
  local -r component="$1" before="$2"
  local now ready
  now="$(running_hash "$component")" || return
  ready="$(admin_kubectl --namespace kube-system get pod "$component-$MACHINE_NAME" \
    --output 'jsonpath={.status.conditions[?(@.type=="Ready")].status}')" || return
  printf 'hash %s (before: %s), ready: %s' "$now" "$before" "$ready"
  [[ -n $now && $now != "$before" && $ready == True ]]
}

apply_static_pods() {
  local component before_file before_hash
  local -A files=() hashes=()
  for component in etcd kube-apiserver kube-controller-manager kube-scheduler; do
    [[ -e $MANIFESTS/$component.yaml ]] || continue
    files[$component]="$(sha256sum <"$MANIFESTS/$component.yaml")"
    hashes[$component]="$(running_hash "$component" || true)"
  done
  [[ -z ${files[etcd]:-} ]] || phase etcd local
  phase control-plane all
  for component in "${!files[@]}"; do
    before_file="${files[$component]}" before_hash="${hashes[$component]}"
    [[ "$(sha256sum <"$MANIFESTS/$component.yaml")" != "$before_file" ]] || continue
    say "$component restarts with its new arguments"
    wait_until 180 "$component to run with its new arguments" runs_other_than "$component" "$before_hash"
  done
}

# The API server reads a new certificate by itself.
renew_api_certificate() {
  local -r pki=/etc/kubernetes/pki
  local name option
  for name in $(document ClusterConfiguration "$CONFIG" | sed --quiet '/^ *certSANs:/,/^ *[a-zA-Z]*:/s/^ *- //p'); do
    [[ $name =~ ^[0-9.]+$ ]] && option=-checkip || option=-checkhost
    if openssl x509 -in "$pki/apiserver.crt" -noout "$option" "$name" | grep --quiet 'does NOT match'; then
      say "the certificate of the API server lacks $name"
      rm "$pki/apiserver.crt" "$pki/apiserver.key"
      phase certs apiserver
      return
    fi
  done
}

apply_taint() {
  if grep --quiet --extended-regexp '^ *taints: *\[\]' "$CONFIG"; then
    admin_kubectl taint node "$MACHINE_NAME" "$TAINT-" >/dev/null 2>&1 || true
  else
    admin_kubectl taint node "$MACHINE_NAME" "$TAINT" --overwrite >/dev/null
  fi
}

main() {
  start_log
  load_environment MACHINE_NAME NODE_ADDRESS
  wait_until 180 "the API server to be ready" admin_kubectl get --raw /readyz
  if cmp --silent "$CONFIG" "$APPLIED"; then
    say "the configuration is the one that runs"
    return
  fi
  say "applying what changed:"
  { diff --unified=0 "$APPLIED" "$CONFIG" || true; } | sed --quiet '/^[-+][^-+]/s/^/  /p'
  wait_until 1500 "the turn of this machine" take_turn
  phase upload-config all
  # Static pods first: a kubelet that has just started and meets a changed manifest waits two minutes for its volumes.
  if changed ClusterConfiguration; then
    renew_api_certificate
    apply_static_pods
  fi
  if changed KubeletConfiguration || changed InitConfiguration; then
    phase kubelet-start
    wait_until 60 "the kubelet to be healthy" curl --fail --silent --show-error --max-time 2 http://127.0.0.1:10248/healthz
  fi
  if changed KubeProxyConfiguration; then
    phase addon kube-proxy
    admin_kubectl --namespace kube-system rollout restart daemonset kube-proxy >/dev/null
  fi
  apply_taint
  wait_until 180 "the API server of this machine to be ready" admin_kubectl --server "https://$NODE_ADDRESS:6443" get --raw /readyz
  end_turn
  say "the new configuration runs"
}

main
