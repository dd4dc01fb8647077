# shellcheck shell=bash
# The cluster's Auto Scaling groups, by calls that this machine's role may make; sourced after parameter-store.sh.

readonly VERSION=2011-01-01

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

# go_on GROUP INSTANCE HOOK: ends the wait of an instance.
go_on() {
  autoscaling "Action=CompleteLifecycleAction&AutoScalingGroupName=$1&LifecycleHookName=$3&InstanceId=$2&LifecycleActionResult=CONTINUE" >/dev/null ||
    say "the group $1 did not take the end of the wait of $2 (hook $3); it is told again, or its time runs out"
}
