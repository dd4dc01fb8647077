#!/usr/bin/env bash
# Makes this machine a worker: prepares it, fetches the short-lived credentials that the control plane renews, joins.
# Started at every boot; once the machine has joined, it does nothing.
set -euo pipefail
# shellcheck source=components/node/scripts/common.sh
source "$(dirname "$0")/common.sh"
# shellcheck source=components/node/scripts/kubeadm-common.sh
source "$(dirname "$0")/kubeadm-common.sh"
# shellcheck source=components/node/scripts/parameter-store.sh
source "$(dirname "$0")/parameter-store.sh"
BIN="$(dirname "$0")"
readonly BIN
readonly JOINED="$QUORATE_ETC/joined"
readonly AUTHORITY="$QUORATE_ETC/pki/ca.crt"
readonly JOIN="$QUORATE_ETC/join-here.yaml"
readonly CLUSTER_SECONDS="${CLUSTER_SECONDS:-1200}"

# Puts the token of now where kubeadm looks, or prints why there is none.
# shellcheck disable=SC2329 # wait_until calls it
fetch_credentials() {
  local token
  token="$(get_parameter "$JOIN_PARAMETER")" || {
    printf '%s' "$token"
    return 1
  }
  if [[ ! $token =~ ^[a-z0-9]{6}\.[a-z0-9]{16}$ ]]; then
    printf 'parameter %s holds no credentials yet: no control plane has written any' "$JOIN_PARAMETER"
    return 1
  fi
  (umask 077 && write_discovery "{token: $token}" "$AUTHORITY")
}

node_is_registered() {
  kubectl --kubeconfig /etc/kubernetes/kubelet.conf --request-timeout 10s get node "$1" --output name
}

# An earlier run may have been cut off after the node was accepted, or before.
finish_or_clean_up() {
  [[ -e /etc/kubernetes/kubelet.conf || -e /var/lib/kubelet/config.yaml ]] || return 0
  if [[ -e /etc/kubernetes/kubelet.conf ]] && systemctl is-active --quiet kubelet && node_is_registered "$1" >/dev/null; then
    joined "$1"
  fi
  say "an earlier join was cut off: cleaning up what it left"
  kubeadm reset --force >/dev/null 2>&1 || die "kubeadm reset failed; run it by hand to see why"
}

# What kubeadm joins by: the pool's document, with the zone that this machine stands in.
documented_join() {
  local zone
  zone="$(metadata meta-data/placement/availability-zone)"
  [[ $zone =~ ^[a-z0-9-]+$ ]] || die "the instance's metadata names no zone but: $zone"
  sed "s/ZONE_OF_THE_MACHINE/$zone/" "$QUORATE_ETC/join.yaml" >"$JOIN"
}

joined() {
  systemctl enable --quiet kubelet
  install_text 644 "$JOINED" <<<"$1" || true
  say "node $1 has joined"
  exit 0
}

main() {
  local name
  [[ ! -e $JOINED ]] || exit 0
  mkdir -p "$QUORATE_LOGS"
  take_lock 1200
  start_log
  load_environment POOL_NAME API_ENDPOINT_NAME JOIN_PARAMETER KUBERNETES_VERSION
  # Until it has joined, it tries again at every boot.
  systemctl enable --quiet quorate-join.service
  wait_until 120 "the instance's id from its metadata" metadata meta-data/instance-id
  name="$POOL_NAME-$(metadata meta-data/instance-id)"
  "$BIN/prepare-machine.sh"
  finish_or_clean_up "$name"
  say "node $name waits for the cluster at $API_ENDPOINT_NAME"
  wait_until "$CLUSTER_SECONDS" "the API at $API_ENDPOINT_NAME" api_answers "$AUTHORITY"
  # shellcheck disable=SC2064 # the file of now
  trap "rm --force '$DISCOVERY'" EXIT
  wait_until "$CLUSTER_SECONDS" "credentials to join with" fetch_credentials
  documented_join
  say "kubeadm join, Kubernetes $KUBERNETES_VERSION"
  run_kubeadm join --config "$JOIN" --node-name "$name" --ignore-preflight-errors "$(ignored_checks "")"
  joined "$name"
}

main
