# shellcheck shell=bash
# One control-plane machine is configured at a time, or a change would stop all API servers at once; sourced after
# common.sh. An object in the cluster is the lock; that of a run which was cut off is taken over after a while.

readonly LOCK_SECONDS=600 BALANCER_NOTICES_SECONDS=12

# take_turn: whether this machine may be configured now, or who is.
take_turn() {
  local -r lock=(--namespace kube-system configmap quorate-configuration)
  local holder age
  if admin_kubectl create "${lock[@]}" --from-literal "holder=$MACHINE_NAME" >/dev/null 2>&1; then
    return
  fi
  read -r holder age < <(admin_kubectl get "${lock[@]}" --output 'jsonpath={.data.holder} {.metadata.creationTimestamp}')
  if [[ $holder == "$MACHINE_NAME" ]]; then
    return
  fi
  if [[ -n ${age:-} ]] && (($(date +%s) - $(date --date "$age" +%s) > LOCK_SECONDS)); then
    admin_kubectl delete "${lock[@]}" >/dev/null
  fi
  printf '%s is being configured, since %s' "${holder:-(unknown)}" "${age:-(unknown)}"
  return 1
}

# end_turn: lets the next machine begin.
end_turn() {
  # The load balancer needs two good answers, five seconds apart, before it sends clients here again; it cannot be asked.
  [[ -n ${API_ENDPOINT_ADDRESS:-} ]] || sleep "$BALANCER_NOTICES_SECONDS"
  admin_kubectl --namespace kube-system delete configmap quorate-configuration --ignore-not-found >/dev/null
}
