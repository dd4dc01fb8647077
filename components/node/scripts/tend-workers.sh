#!/usr/bin/env bash
# Looks after workers that come and go: tells their Auto Scaling group when a new one is Ready, drains those that it is
# about to terminate and then lets it go on, and removes the Node of instances that are gone. A timer starts it on every
# control-plane machine; the one whose controller manager leads does the work.
set -euo pipefail
# shellcheck source=components/node/scripts/common.sh
source "$(dirname "$0")/common.sh"
# shellcheck source=components/node/scripts/parameter-store.sh
source "$(dirname "$0")/parameter-store.sh"
# shellcheck source=components/node/scripts/worker-groups.sh
source "$(dirname "$0")/worker-groups.sh"

readonly DRAIN_SECONDS=240
readonly BETWEEN_LOOKS_SECONDS="${BETWEEN_LOOKS_SECONDS:-5}"

leads() {
  local holder
  holder="$(admin_kubectl --namespace kube-system get lease kube-controller-manager --output 'jsonpath={.spec.holderIdentity}')" || return
  [[ $holder == "$MACHINE_NAME"_* ]]
}

# drain NODE GROUP INSTANCE: PodDisruptionBudgets are respected for as long as the group waits.
drain() {
  local found
  found="$(admin_kubectl get node "$1" --ignore-not-found --output name)" || {
    say "the API does not say whether $1 has joined: its drain is tried again by the next run"
    return
  }
  if [[ -n $found ]]; then
    say "draining $1, which its group is about to terminate"
    kubectl --kubeconfig /etc/kubernetes/admin.conf drain "$1" --ignore-daemonsets --delete-emptydir-data --force \
      --timeout "${DRAIN_SECONDS}s" || say "$1 could not be drained in ${DRAIN_SECONDS}s; it goes all the same"
  fi
  say "$1 is drained"
  go_on "$2" "$3" drain
}

# Lines of NODE READY of all workers.
list_nodes() {
  admin_kubectl get nodes --selector quorate/pool \
    --output 'jsonpath={range .items[*]}{.metadata.name}{" "}{.status.conditions[?(@.type=="Ready")].status}{"\n"}{end}'
}

# remove_gone INSTANCES NODES: removes workers that no group has any more, and whose kubelet is silent.
remove_gone() {
  local node ready
  while read -r node ready; do
    [[ -n $node && $ready != True ]] || continue
    if ! grep --quiet --fixed-strings "$node " <<<"$1"; then
      say "removing node $node: its instance is gone"
      admin_kubectl delete node "$node" --ignore-not-found
    fi
  done <<<"$2"
}

# look: lets new workers that are Ready into service, begins the drains of those told to go, and removes Nodes.
look() {
  local known nodes node group instance state
  known="$(list_instances)" || die "cannot list the instances of the cluster's Auto Scaling groups"
  # A list that was cut off must not make nodes look gone.
  [[ $known == *complete ]] || die "the list of instances is not complete"
  nodes="$(list_nodes)" || die "cannot list the nodes"
  while read -r node group instance state; do
    if [[ $state == Pending:Wait ]] && grep --quiet --line-regexp --fixed-strings "$node True" <<<"$nodes"; then
      say "$node is Ready and comes into service"
      go_on "$group" "$instance" join
    elif [[ $state == Terminating:Wait ]] && grep --quiet --line-regexp --fixed-strings "$node Unknown" <<<"$nodes"; then
      say "$node is silent: nobody there ends its pods, so it goes without a drain"
      [[ -z ${begun[$instance]:-} ]] || kill "${begun[$instance]}" 2>/dev/null || true
      go_on "$group" "$instance" drain
    elif [[ $state == Terminating:Wait && -z ${begun[$instance]:-} ]]; then
      drain "$node" "$group" "$instance" &
      begun[$instance]=$!
    fi
  done <<<"$known"
  remove_gone "$known" "$nodes"
}

main() {
  local -A begun=()
  load_environment MACHINE_NAME CLUSTER_NAME
  leads || return 0
  start_log
  look
  # A worker that is told to go now must not wait until the drains of others have ended.
  while [[ -n $(jobs -pr) ]]; do
    sleep "$BETWEEN_LOOKS_SECONDS"
    look
  done
}

main
