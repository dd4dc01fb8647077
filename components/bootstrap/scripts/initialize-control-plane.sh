#!/usr/bin/env bash
# kubeadm init on a clean machine, with the certificate authorities of this cluster: for a new cluster, or for a new
# machine on the disk of an old one. Called by configure-control-plane.sh.
set -euo pipefail
# shellcheck source=components/bootstrap/scripts/common.sh
source "$(dirname "$0")/common.sh"

readonly PKI=/etc/kubernetes/pki
readonly DATA=/var/lib/etcd/data
readonly CLUSTER_MARK=/var/lib/etcd/cluster-ca.sha256

install_authorities() {
  local file
  rm --recursive --force "$PKI"
  mkdir -p "$PKI/etcd"
  chmod 700 "$PKI" "$PKI/etcd"
  for file in ca.crt ca.key front-proxy-ca.crt front-proxy-ca.key etcd/ca.crt etcd/ca.key sa.key sa.pub; do
    install --mode 600 "$QUORATE_ETC/pki/$file" "$PKI/$file"
  done
}

# ignored_checks: the preflight checks to pass over. A machine image may list those that cannot pass on it.
ignored_checks() {
  printf 'DirAvailable-%s' "${DATA//\//-}"
  if [[ -s $QUORATE_ETC/ignore-preflight-errors ]]; then
    printf ',%s' "$(tr --delete '[:space:]' <"$QUORATE_ETC/ignore-preflight-errors")"
  fi
}

# A bootstrap token, even a short-lived one, belongs into no log.
# The coloured lines list the kernel's options, where a check of them was passed over.
hide_tokens() {
  sed --unbuffered --expression='/^\x1b\[0;37m/d' --regexp-extended --expression='s/\b[a-z0-9]{6}\.[a-z0-9]{16}\b/(token)/g'
}

explain_failure() {
  say "the last lines of the kubelet's log:"
  journalctl --unit kubelet --lines 15 --no-pager --output cat | hide_tokens || true
  say "containers that are not running:"
  crictl ps --all 2>/dev/null | grep --invert-match Running | tail --lines 10 || true
}

main() {
  start_log
  load_environment MACHINE_NAME KUBERNETES_VERSION
  if [[ -e $CLUSTER_MARK ]]; then
    say "the disk holds this cluster's data: this machine takes its place again"
  elif [[ -d $DATA ]]; then
    say "the disk holds data of an initialization that never completed: removing it"
    rm --recursive --force "$DATA"
  fi
  mkdir -p "$DATA"
  chmod 700 "$DATA"
  install_authorities
  say "kubeadm init, Kubernetes $KUBERNETES_VERSION"
  if ! kubeadm init --config "$QUORATE_ETC/kubeadm.yaml" --ignore-preflight-errors "$(ignored_checks)" 2>&1 |
    hide_tokens; then
    explain_failure
    die "kubeadm init failed; its messages are above"
  fi
  systemctl enable --quiet kubelet
  wait_until 120 "the API server to be ready" admin_kubectl get --raw /readyz
  sha256sum <"$QUORATE_ETC/pki/ca.crt" | install_text 644 "$CLUSTER_MARK" || true
  say "the control plane is up"
}

main
