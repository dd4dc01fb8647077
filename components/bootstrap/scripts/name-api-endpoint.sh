#!/usr/bin/env bash
# name-api-endpoint.sh ADDRESS: the API endpoint's name means ADDRESS on this machine.
# name-api-endpoint.sh dns: it means what DNS says. Pods in the host's network have a copy of /etc/hosts, so those that
# talk to the API by name are started again: nothing on a control plane may stick to its own API server.
set -euo pipefail
# shellcheck source=components/bootstrap/scripts/common.sh
source "$(dirname "$0")/common.sh"
# shellcheck source=components/bootstrap/scripts/kubeadm-common.sh
source "$(dirname "$0")/kubeadm-common.sh"

readonly HOSTS="${HOSTS:-/etc/hosts}"
readonly MARK="# quorate: the API endpoint"
readonly BALANCER_SECONDS=900

# replace_line [LINE]: the marked line becomes LINE, or goes; true only if that changed the file.
replace_line() {
  local -r new="$HOSTS.new"
  {
    sed "/$MARK\$/d" "$HOSTS"
    [[ $# -eq 0 ]] || printf '%s\n' "$1"
  } >"$new"
  if cmp --silent "$new" "$HOSTS"; then
    rm "$new"
    return 1
  fi
  # Not by mv: /etc/hosts may be a mount of its own.
  cat "$new" >"$HOSTS"
  rm "$new"
}

follow_dns() {
  local workload
  replace_line || return 0
  say "$API_ENDPOINT_NAME is what DNS says; waiting until the load balancer answers there"
  wait_until "$BALANCER_SECONDS" "the API through the load balancer at $API_ENDPOINT_NAME" api_answers /etc/kubernetes/pki/ca.crt
  for workload in kube-system/daemonset/kube-proxy "$NETWORK_PLUGIN_WORKLOAD"; do
    if admin_kubectl --namespace "${workload%%/*}" get "${workload#*/}" >/dev/null 2>&1; then
      admin_kubectl --namespace "${workload%%/*}" rollout restart "${workload#*/}" >/dev/null
    fi
  done
  say "the load balancer serves the API"
}

main() {
  start_log
  load_environment API_ENDPOINT_NAME NETWORK_PLUGIN_WORKLOAD
  if [[ $1 == dns ]]; then
    follow_dns
  elif replace_line "$1 $API_ENDPOINT_NAME $MARK"; then
    say "$API_ENDPOINT_NAME is $1 in $HOSTS"
  fi
}

main "$@"
