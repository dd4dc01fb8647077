#!/usr/bin/env bash
# Puts a new bootstrap token, good for 20 minutes, where workers look for one. Started by a timer every few minutes on
# every control-plane machine; the tokens of before expire by themselves.
set -euo pipefail
umask 077
# shellcheck source=components/node/scripts/common.sh
source "$(dirname "$0")/common.sh"
# shellcheck source=components/node/scripts/parameter-store.sh
source "$(dirname "$0")/parameter-store.sh"

readonly LIFETIME=20m

renew() {
  kubeadm token create --kubeconfig /etc/kubernetes/admin.conf --ttl "$LIFETIME" \
    --description "for workers, by $MACHINE_NAME" | put_parameter "$JOIN_PARAMETER"
}

main() {
  start_log
  load_environment MACHINE_NAME JOIN_PARAMETER
  wait_until 120 "the API and the parameter store to take new credentials" renew
}

main
