#!/usr/bin/env bash
# by-hand.sh STEP: one of the steps to a cluster, on one of its machines, with the commands that a person would type
# there. All is there before the first: packages, images, disks, documents, certificate authorities, the API's name.
set -euo pipefail

readonly PKI=/etc/quorate/pki ADMIN=/etc/kubernetes/admin.conf DISCOVERY=/run/quorate/discovery.conf
readonly MANIFEST=/root/network-plugin.yaml MARK="# by hand"
# shellcheck source=/dev/null
source /etc/quorate/node.env
export KUBECONFIG="$ADMIN"

# within SECONDS COMMAND…: until it succeeds.
within() {
  local -r deadline=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < deadline)) || {
      echo "never: $*" >&2
      return 1
    }
    sleep 0.2
  done
}

ignored() {
  tr --delete '[:space:]' </etc/quorate/ignore-preflight-errors
}

api_answers() {
  curl --cacert "$PKI/ca.crt" --fail --silent --show-error --max-time 2 "https://$API_ENDPOINT_NAME:6443/readyz"
}

etcd_answers() {
  curl --cacert /etc/etcd/pki/ca.crt --cert /etc/etcd/pki/member.crt --key /etc/etcd/pki/member.key \
    --fail --silent --max-time 2 "https://$NODE_ADDRESS:2379/health"
}

start_etcd() {
  install --directory --owner etcd --group etcd --mode 700 /etc/etcd /etc/etcd/pki /var/lib/etcd/data
  install --owner etcd --group etcd --mode 600 "$PKI"/* /etc/etcd/pki
  systemctl start --no-block etcd
  within 60 etcd_answers
}

# The name leads to this machine until others can be reached by it.
init() {
  mkdir -p /etc/kubernetes/pki
  cp -r "$PKI/." /etc/kubernetes/pki
  echo "$NODE_ADDRESS $API_ENDPOINT_NAME $MARK" >>/etc/hosts
  kubeadm init --config /etc/quorate/kubeadm.yaml --ignore-preflight-errors "$(ignored)" >/dev/null
  within 60 kubectl get --raw /readyz
}

through_the_balancer() {
  # /etc/hosts may be a mount of its own.
  sed "/$MARK\$/d" /etc/hosts >/etc/hosts.new
  cat /etc/hosts.new >/etc/hosts
  within 120 api_answers
}

# For all that join: where the API is, and a token.
discovery() {
  kubectl config view --raw --minify --output 'jsonpath={.clusters[0].cluster}' |
    python3 -c '
import json, sys
cluster = {"name": "cluster", "cluster": json.load(sys.stdin)}
user = {"name": "joining", "user": {"token": sys.argv[1]}}
context = {"name": "join", "context": {"cluster": "cluster", "user": "joining"}}
kind = {"apiVersion": "v1", "kind": "Config", "current-context": "join"}
print(json.dumps({**kind, "clusters": [cluster], "users": [user], "contexts": [context]}))
' "$(kubeadm token create --ttl 20m)"
}

# Standard input is what `discovery` has printed.
join() {
  local -a options=(--config /etc/quorate/join.yaml)
  install --directory --mode 700 "$(dirname "$DISCOVERY")"
  (umask 077 && cat >"$DISCOVERY")
  if [[ $ROLE == control-plane ]]; then
    mkdir -p /etc/kubernetes/pki
    cp -r "$PKI/." /etc/kubernetes/pki
  else
    options+=(--node-name "$POOL_NAME-$1")
  fi
  kubeadm join "${options[@]}" --ignore-preflight-errors "$(ignored)" >/dev/null
}

nodes_are() {
  [[ $(kubectl get nodes --no-headers | wc --lines) -eq $1 ]]
}

# Standard input is the network plugin's manifest; the argument how many nodes there are to be.
network_plugin() {
  cat >"$MANIFEST"
  kubectl apply --server-side --filename "$MANIFEST" >/dev/null
  # A worker's kubeadm ends before its kubelet has made the Node.
  within 60 nodes_are "$1" || {
    kubectl get nodes >&2
    return 1
  }
  kubectl wait --for=condition=Ready node --all --timeout=180s >/dev/null
}

system_pods() {
  local workload
  for workload in "$NETWORK_PLUGIN_WORKLOAD" kube-system/daemonset/kube-proxy kube-system/deployment/coredns; do
    kubectl --namespace "${workload%%/*}" rollout status "${workload#*/}" --timeout=180s >/dev/null
  done
}

"$@"
