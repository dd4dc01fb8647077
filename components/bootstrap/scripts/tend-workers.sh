#!/usr/bin/env bash
# Looks after workers that come and go: drains those that their Auto Scaling group is about to terminate and lets the
# group go on, and removes the Node of instances that are gone. A timer starts it on every control-plane machine; the
# one whose controller manager leads does the work.
set -euo pipefail
# shellcheck source=components/bootstrap/scripts/common.sh
source "$(dirname "$0")/common.sh"
# shellcheck source=components/bootstrap/scripts/parameter-store.sh
source "$(dirname "$0")/parameter-store.sh"

readonly DRAIN_SECONDS=240
readonly VERSION=2011-01-01
readonly HOOK=drain
readonly BETWEEN_LOOKS_SECONDS="${BETWEEN_LOOKS_SECONDS:-5}"

leads() {
  local holder
  holder="$(admin_kubectl --namespace kube-system get lease kube-controller-manager --output 'jsonpath={.spec.holderIdentity}')" || return
  [[ $holder == "$MACHINE_NAME"_* ]]
}

# autoscaling QUERY: the XML answer to an action of Auto Scaling.
autoscaling() {
  printf '%s&Version=%s' "$1" "$VERSION" | call_aws autoscaling "${AUTOSCALING_ENDPOINT:-}" application/x-www-form-urlencoded
}

# Lines of NODE GROUP INSTANCE STATE, of all instances that the cluster's groups have. The node is POOL-INSTANCE.
list_instances() {
  local answer
  answer="$(autoscaling "Action=DescribeAutoScalingGroups&MaxRecords=100&Filters.member.1.Name=tag:quorate:cluster&Filters.member.1.Values.member.1=$CLUSTER_NAME")" || {
    printf '%s' "$answer" >&2
    return 1
  }
  python3 -c '
import sys
import xml.etree.ElementTree as tree

def children(parent, name):
    return [e for e in parent.iter() if e.tag.rpartition("}")[2] == name]

def text(parent, name):
    return next((e.text or "" for e in parent if e.tag.rpartition("}")[2] == name), "")

root = tree.fromstring(sys.stdin.read())
if text_token := [e.text for e in children(root, "NextToken") if e.text]:
    sys.exit(f"more than one page of groups: {text_token}")
for groups in children(root, "AutoScalingGroups"):
    for group in groups:
        tags = {text(tag, "Key"): text(tag, "Value") for tags in children(group, "Tags") for tag in tags}
        for instances in (e for e in group if e.tag.rpartition("}")[2] == "Instances"):
            for i in instances:
                pool, id, state = tags.get("quorate:pool", ""), text(i, "InstanceId"), text(i, "LifecycleState")
                print(f"{pool}-{id}", text(group, "AutoScalingGroupName"), id, state)
print("complete")
' <<<"$answer"
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
  autoscaling "Action=CompleteLifecycleAction&AutoScalingGroupName=$2&LifecycleHookName=$HOOK&InstanceId=$3&LifecycleActionResult=CONTINUE" >/dev/null ||
    say "the group $2 did not take the end of the drain of $3; it ends by itself"
  say "$1 is drained"
}

# Workers that no group has any more, and whose kubelet is silent.
remove_gone() {
  local -r known="$1"
  local node ready
  while read -r node ready; do
    [[ -n $node && $ready != True ]] || continue
    if ! grep --quiet --fixed-strings "$node " <<<"$known"; then
      say "removing node $node: its instance is gone"
      admin_kubectl delete node "$node" --ignore-not-found
    fi
  done < <(admin_kubectl get nodes --selector quorate/pool \
    --output 'jsonpath={range .items[*]}{.metadata.name}{" "}{.status.conditions[?(@.type=="Ready")].status}{"\n"}{end}')
}

# look: begins the drain of every instance that has come to wait for one, and removes Nodes.
look() {
  local known node group instance state
  known="$(list_instances)" || die "cannot list the instances of the cluster's Auto Scaling groups"
  # A list that was cut off must not make nodes look gone.
  [[ $known == *complete ]] || die "the list of instances is not complete"
  while read -r node group instance state; do
    [[ $state == Terminating:Wait && -z ${begun[$instance]:-} ]] || continue
    begun[$instance]=yes
    drain "$node" "$group" "$instance" &
  done <<<"$known"
  remove_gone "$known"
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
