#!/usr/bin/env bash
# Removes the etcd member that stands for this machine, if the others know one: a remainder of a disk that was lost, or
# of a join that was cut off. Called by configure-control-plane.sh and join-control-plane.sh.
set -euo pipefail
umask 077
# shellcheck source=components/node/scripts/common.sh
source "$(dirname "$0")/common.sh"
# shellcheck source=components/node/scripts/kubeadm-common.sh
source "$(dirname "$0")/kubeadm-common.sh"
# shellcheck source=components/node/scripts/etcd-membership.sh
source "$(dirname "$0")/etcd-membership.sh"
readonly AUTHORITY="$QUORATE_ETC/pki/etcd/ca"
readonly MANIFEST="${KUBERNETES_MANIFESTS:-/etc/kubernetes/manifests}/etcd.yaml"

main() {
  local work address id
  start_log
  load_environment MACHINE_NAME NODE_ADDRESS CONTROL_PLANE_ADDRESSES
  install --directory --mode 700 "$(dirname "$DISCOVERY")"
  work="$(mktemp --directory "$(dirname "$DISCOVERY")/leave.XXXXXX")"
  # shellcheck disable=SC2064 # the directory of now
  trap "rm --recursive --force '$work'" EXIT
  mint_certificate "$work" "$AUTHORITY" "/CN=$MACHINE_NAME-leaves"
  use_etcd_credentials "$AUTHORITY.crt" "$work/client.crt" "$work/client.key"
  wait_until 300 "an etcd member among $CONTROL_PLANE_ADDRESSES that answers" any_member_answers "$CONTROL_PLANE_ADDRESSES"
  address="$(first_answering_member "$CONTROL_PLANE_ADDRESSES")"
  id="$(member_id "$address" "$NODE_ADDRESS")"
  [[ -n $id ]] || return 0
  # Of two members the other one can agree to nothing alone: this one's vote is needed to remove it.
  [[ ! -e $MANIFEST ]] || systemctl start kubelet
  say "removing etcd member $id, which stood for this machine"
  wait_until 120 "etcd to remove member $id" remove_member "$address" "$id"
}

main
