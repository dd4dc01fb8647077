#!/usr/bin/env bash
# wait-ready.sh NODE…: returns when those nodes are Ready, the system pods are available, and cluster DNS and the
# API's Service answer; otherwise it fails with what it saw last.
set -euo pipefail
# shellcheck source=components/bootstrap/scripts/common.sh
source "$(dirname "$0")/common.sh"

node_ready() {
  local status
  status="$(admin_kubectl get node "$1" --output 'jsonpath={range .status.conditions[?(@.type=="Ready")]}{.status} {.reason}: {.message}{end}')" || {
    printf '%s' "$status"
    return 1
  }
  printf '%s' "$status"
  [[ $status == True* ]]
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
  local node workload
  start_log
  load_environment MACHINE_NAME NETWORK_PLUGIN_WORKLOAD
  trap explain_failure EXIT
  for node in "$@"; do
    wait_until 300 "node $node to be Ready" node_ready "$node"
    say "node $node is Ready"
  done
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
