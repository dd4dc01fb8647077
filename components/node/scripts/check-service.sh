#!/usr/bin/env bash
# check-service.sh NAMESPACE NAME TEXT: returns when the Service answers over HTTP with a page that contains TEXT.
set -euo pipefail
# shellcheck source=components/node/scripts/common.sh
source "$(dirname "$0")/common.sh"

answers() {
  local address
  address="$(admin_kubectl --namespace "$1" get service "$2" --output 'jsonpath={.spec.clusterIP}:{.spec.ports[0].port}')" || return
  curl --fail --silent --show-error --max-time 3 "http://$address/" | grep --fixed-strings "$3"
}

main() {
  start_log
  load_environment MACHINE_NAME
  wait_until 120 "Service $1/$2 to answer" answers "$1" "$2" "$3"
  say "Service $1/$2 answers"
}

main "$@"
