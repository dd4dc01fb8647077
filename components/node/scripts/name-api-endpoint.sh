#!/usr/bin/env bash
# name-api-endpoint.sh ADDRESS: the API endpoint's name means ADDRESS on this machine.
# name-api-endpoint.sh dns: it means what DNS says, once the load balancer answers there. Pods in the host's network have
# a copy of /etc/hosts, so those of this machine that talk to the API by name are started again: nothing on a control
# plane may stick to one API server.
set -euo pipefail
# shellcheck source=components/node/scripts/common.sh
source "$(dirname "$0")/common.sh"
# shellcheck source=components/node/scripts/kubeadm-common.sh
source "$(dirname "$0")/kubeadm-common.sh"

readonly HOSTS="${HOSTS:-/etc/hosts}"
readonly MARK="# quorate: the API endpoint"
# In place of the line until all that has a copy of it has started again, so that a run which was cut off is finished.
readonly LEAVING="# pods may still have the address $MARK"
readonly BALANCER_SECONDS="${BALANCER_SECONDS:-900}"

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

# restart_pods_of NAMESPACE/daemonset/NAME: those on this machine.
restart_pods_of() {
  local -r owner="${1##*/}"
  local pod
  admin_kubectl --namespace "${1%%/*}" get pods --field-selector "spec.nodeName=$MACHINE_NAME" \
    --output "jsonpath={range .items[?(@.metadata.ownerReferences[0].name==\"$owner\")]}{.metadata.name}{\"\\n\"}{end}" |
    while read -r pod; do
      admin_kubectl --namespace "${1%%/*}" delete pod "$pod" --wait=false --ignore-not-found >/dev/null
      say "$pod starts again"
    done
}

follow_dns() {
  grep --quiet "$MARK\$" "$HOSTS" || return 0
  replace_line "$LEAVING" || true
  say "$API_ENDPOINT_NAME is what DNS says; waiting until the load balancer answers there"
  wait_until "$BALANCER_SECONDS" "the API through the load balancer at $API_ENDPOINT_NAME" api_answers /etc/kubernetes/pki/ca.crt
  restart_pods_of kube-system/daemonset/kube-proxy
  restart_pods_of "$NETWORK_PLUGIN_WORKLOAD"
  replace_line || true
  say "the load balancer serves the API"
}

main() {
  start_log
  load_environment MACHINE_NAME API_ENDPOINT_NAME NETWORK_PLUGIN_WORKLOAD
  if [[ $1 == dns ]]; then
    follow_dns
  elif replace_line "$1 $API_ENDPOINT_NAME $MARK"; then
    say "$API_ENDPOINT_NAME is $1 in $HOSTS"
  fi
}

main "$@"
