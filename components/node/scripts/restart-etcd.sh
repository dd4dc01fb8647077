#!/usr/bin/env bash
# Restarts this etcd member so that it takes its new arguments, while no other member does the same: a lock in etcd
# itself keeps the members of a cluster in a row, and each waits until all are healthy again.
set -euo pipefail
# shellcheck source=components/node/scripts/common.sh
source "$(dirname "$0")/common.sh"
# shellcheck source=components/node/scripts/etcd-membership.sh
source "$(dirname "$0")/etcd-membership.sh"
readonly PKI="${ETCD_PKI:-/etc/etcd/pki}"

all_healthy() {
  local address
  for address in "$NODE_ADDRESS" $PEER_ADDRESSES; do
    is_healthy "$address" || return
  done
}

restart() {
  wait_until 300 "all members to be healthy before this one restarts" all_healthy
  say "etcd restarts with its new arguments"
  systemctl restart etcd
  wait_until 300 "all members to be healthy after the restart" all_healthy
}

main() {
  local address endpoints
  # Below the lock, the run that took it keeps the log.
  [[ ${1:-} == now ]] || start_log
  load_environment NODE_ADDRESS
  use_etcd_credentials "$PKI/ca.crt" "$PKI/member.crt" "$PKI/member.key"
  if [[ ${1:-} == now ]]; then
    restart
    return
  fi
  endpoints="https://$NODE_ADDRESS:2379"
  for address in $PEER_ADDRESSES; do
    endpoints+=",https://$address:2379"
  done
  # Without a quorum there is no lock, and nothing that a restart could interrupt.
  if is_healthy "$NODE_ADDRESS" >/dev/null 2>&1; then
    timeout 1200 etcdctl --endpoints "$endpoints" --cacert "$PKI/ca.crt" --cert "$PKI/member.crt" \
      --key "$PKI/member.key" lock --ttl 60 quorate/restart -- "$0" now
  else
    say "etcd has no quorum; it restarts at once with its new arguments"
    systemctl restart --no-block etcd
  fi
}

main "$@"
