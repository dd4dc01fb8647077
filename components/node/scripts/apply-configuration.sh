#!/usr/bin/env bash
# Brings a running control plane to the configuration in /etc/quorate/kubeadm.yaml, in place: the cluster's stored
# configuration, the kubelet's, the static pods, kube-proxy, the taint. Called by configure-control-plane.sh.
set -euo pipefail
# shellcheck source=components/node/scripts/common.sh
source "$(dirname "$0")/common.sh"
# shellcheck source=components/node/scripts/configuration-turn.sh
source "$(dirname "$0")/configuration-turn.sh"
# shellcheck source=components/node/scripts/static-pods.sh
source "$(dirname "$0")/static-pods.sh"

readonly CONFIG="$QUORATE_ETC/kubeadm.yaml"
readonly APPLIED="$QUORATE_ETC/applied-kubeadm.yaml"
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
  # kubeadm asks the API server of this machine, which may just be starting.
  revive_api_server
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
  wait_until 180 "the API server of this machine to be ready" own_api_is_ready
  end_turn
  say "the new configuration runs"
}

main
