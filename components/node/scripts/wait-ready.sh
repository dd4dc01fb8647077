#!/usr/bin/env bash
# wait-ready.sh NODE… POOL:MINIMUM…: returns when those nodes are Ready and as many of each pool, the system pods are
# available, and cluster DNS and the API's Service answer; otherwise it fails with what it saw last.
set -euo pipefail
# shellcheck source=components/node/scripts/common.sh
source "$(dirname "$0")/common.sh"

readonly NODES_SECONDS="${NODES_SECONDS:-900}"
declare -A announced=()
missing=""

# Lines of NODE READY REASON of all nodes.
node_states() {
  admin_kubectl get nodes --output 'jsonpath={range .items[*]}{.metadata.name}{" "}{range .status.conditions[?(@.type=="Ready")]}{.status}{" "}{.reason}{end}{"\n"}{end}'
}

# look STATES WANTED…: announces nodes that have become Ready since, and puts what is missing of WANTED in `missing`.
look() {
  local -r states="$1"
  local node ready reason wanted pool count
  local -A condition=()
  shift
  while read -r node ready reason; do
    [[ -n $node ]] || continue
    condition[$node]="$ready ($reason)"
    if [[ $ready == True && -z ${announced[$node]:-} ]]; then
      announced[$node]=yes
      say "node $node is Ready"
    fi
  done <<<"$states"
  missing=""
  for wanted in "$@"; do
    if [[ $wanted == *:* ]]; then
      pool="${wanted%:*}"
      count="$(grep --count --extended-regexp "^$pool-i-[0-9a-f]+ True" <<<"$states" || true)"
      ((count >= ${wanted##*:})) || missing+="pool $pool has $count Ready of ${wanted##*:}; "
    elif [[ ${condition[$wanted]:-} != True* ]]; then
      missing+="$wanted: Ready is ${condition[$wanted]:-unknown, it has not joined}; "
    fi
  done
}

wait_for_nodes() {
  local -r deadline=$((SECONDS + NODES_SECONDS))
  local states
  while true; do
    if states="$(node_states 2>&1)"; then
      look "$states" "$@"
      [[ -n $missing ]] || return 0
    else
      missing="the API does not answer: $states"
    fi
    ((SECONDS < deadline)) || die "waited ${NODES_SECONDS}s for nodes: $missing
  On a control plane the step that failed has said why. A worker writes each step to its console and to its journal:
  aws ec2 get-console-output --instance-id ID, or journalctl --unit quorate-join on it"
    sleep 1
  done
}

# rolled_out KIND/NAME: whether all its pods are of the newest generation and available.
rolled_out() {
  timeout 10 kubectl --kubeconfig /etc/kubernetes/admin.conf --namespace "${1%%/*}" rollout status "${1#*/}" --timeout 5s
}

# Asks the cluster's DNS Service for the API's Service, as a pod would.
dns_answers() {
  local -r server="$(admin_kubectl --namespace kube-system get service kube-dns --output 'jsonpath={.spec.clusterIP}')"
  python3 - "$server" kubernetes.default.svc.cluster.local <<'PYTHON'
import socket, struct, sys

server, name = sys.argv[1:]
question = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0" + struct.pack(">HH", 1, 1)
query = struct.pack(">HHHHHH", 0x7157, 0x0100, 1, 0, 0, 0) + question
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
    udp.settimeout(2)
    udp.sendto(query, (server, 53))
    answer = udp.recv(512)
code, answers = answer[3] & 15, struct.unpack(">H", answer[6:8])[0]
print(f"{server} answered with code {code} and {answers} addresses for {name}")
sys.exit(0 if code == 0 and answers else 1)
PYTHON
}

api_service_answers() {
  local -r address="$(admin_kubectl get service kubernetes --output 'jsonpath={.spec.clusterIP}')"
  curl --cacert /etc/kubernetes/pki/ca.crt --fail --silent --show-error --max-time 3 "https://$address/readyz"
}

explain_failure() {
  say "nodes and pods at the time of the failure:"
  admin_kubectl get nodes --output wide || true
  admin_kubectl get pods --all-namespaces --output wide || true
  say "the last lines of the kubelet's log on $MACHINE_NAME:"
  journalctl --unit kubelet --lines 15 --no-pager --output cat || true
}

main() {
  local workload
  start_log
  load_environment MACHINE_NAME NETWORK_PLUGIN_WORKLOAD
  trap explain_failure EXIT
  wait_for_nodes "$@"
  for workload in "$NETWORK_PLUGIN_WORKLOAD" kube-system/daemonset/kube-proxy kube-system/deployment/coredns; do
    wait_until 300 "$workload to be available" rolled_out "$workload"
    say "$workload is available"
  done
  wait_until 60 "cluster DNS to answer" dns_answers
  wait_until 60 "the Service of the API to answer" api_service_answers
  say "cluster DNS and the Service of the API answer"
  trap - EXIT
}

main "$@"
