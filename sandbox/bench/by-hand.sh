#!/usr/bin/env bash
# by-hand.sh MANIFEST: a cluster on a prepared machine, with the commands that a person would type. The clock starts
# when all is there: packages, images, the disk, the API's name, the certificate authorities.
set -euo pipefail

readonly MANIFEST="$1" PKI=/etc/kubernetes/pki
# shellcheck source=/dev/null
source /etc/quorate/node.env

mark() { printf 'mark %s %s\n' "$(date +%s.%N)" "$*"; }

systemctl start quorate-prepare.service quorate-etcd-volume.service
mkdir -p "$PKI"
cp -r /etc/quorate/pki/. "$PKI"
if ! grep --quiet --fixed-strings "$API_ENDPOINT_NAME" /etc/hosts; then
  echo "$NODE_ADDRESS $API_ENDPOINT_NAME" >>/etc/hosts
fi

mark "begins"
kubeadm init --config /etc/quorate/kubeadm.yaml \
  --ignore-preflight-errors "$(tr --delete '[:space:]' <"/etc/quorate/ignore-preflight-errors")" >/dev/null
mark "kubeadm init"
export KUBECONFIG=/etc/kubernetes/admin.conf
kubectl apply --server-side --filename "$MANIFEST" >/dev/null
kubectl wait --for=condition=Ready node --all --timeout=180s >/dev/null
mark "network plugin, until the node is Ready"
for workload in "$NETWORK_PLUGIN_WORKLOAD" kube-system/daemonset/kube-proxy kube-system/deployment/coredns; do
  kubectl --namespace "${workload%%/*}" rollout status "${workload#*/}" --timeout=180s >/dev/null
done
mark "system pods available"
