#!/usr/bin/env bash
# kubeadm join of a clean machine as a control plane, with the certificate authorities of this cluster.
# Called by configure-control-plane.sh.
set -euo pipefail
umask 077
# shellcheck source=components/bootstrap/scripts/common.sh
source "$(dirname "$0")/common.sh"
# shellcheck source=components/bootstrap/scripts/kubeadm-common.sh
source "$(dirname "$0")/kubeadm-common.sh"
# shellcheck source=components/bootstrap/scripts/etcd-membership.sh
source "$(dirname "$0")/etcd-membership.sh"
BIN="$(dirname "$0")"
readonly BIN
readonly PKI="$QUORATE_ETC/pki"
readonly DATA="${ETCD_DISK:-/var/lib/etcd}/data"
readonly CLUSTER_SECONDS="${CLUSTER_SECONDS:-1200}"

# mint_certificate FOLDER AUTHORITY SUBJECT: a client certificate for a day, for what has to be done before kubeadm
# has made this machine's own.
mint_certificate() {
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "$3" \
    -keyout "$1/client.key" -out "$1/client.csr" 2>/dev/null
  openssl x509 -req -in "$1/client.csr" -CA "$2.crt" -CAkey "$2.key" -days 1 -out "$1/client.crt" \
    -extfile <(printf 'extendedKeyUsage = clientAuth\nkeyUsage = digitalSignature\n') 2>/dev/null
}

# The group of bootstrap tokens may ask for a node's certificate; that of administrators may remove the old Node.
prepare_discovery() {
  local -r subject="/O=system:bootstrappers:kubeadm:default-node-token/O=kubeadm:cluster-admins/CN=$MACHINE_NAME"
  mint_certificate "$1" "$PKI/ca" "$subject"
  write_discovery "{client-certificate-data: $(base64 --wrap 0 "$1/client.crt"), client-key-data: $(base64 --wrap 0 "$1/client.key")}" "$PKI/ca.crt"
}

# A member that stands for this machine and has no data here can only be a remainder: of a disk that was lost, or of a
# join that was cut off. It must go first, or etcd would start under an identity that others know with more data.
remove_old_member() {
  local address id
  mkdir -p "$1/etcd"
  mint_certificate "$1/etcd" "$PKI/etcd/ca" "/CN=$MACHINE_NAME-joins"
  use_etcd_credentials "$PKI/etcd/ca.crt" "$1/etcd/client.crt" "$1/etcd/client.key"
  wait_until 300 "an etcd member among $CONTROL_PLANE_ADDRESSES that answers" any_member_answers "$CONTROL_PLANE_ADDRESSES"
  address="$(first_answering_member "$CONTROL_PLANE_ADDRESSES")"
  id="$(member_id "$address" "$NODE_ADDRESS")"
  if [[ -n $id ]]; then
    say "removing etcd member $id, which stood for this machine and whose data is gone"
    wait_until 60 "etcd to remove member $id" remove_member "$address" "$id"
  fi
  rm --recursive --force "$DATA"
  mkdir -p "$DATA"
}

main() {
  local work
  start_log
  load_environment MACHINE_NAME NODE_ADDRESS API_ENDPOINT_NAME KUBERNETES_VERSION
  install --directory --mode 700 "$(dirname "$DISCOVERY")"
  work="$(mktemp --directory "$(dirname "$DISCOVERY")/join.XXXXXX")"
  # shellcheck disable=SC2064 # the directory of now
  trap "rm --recursive --force '$work' '$DISCOVERY'" EXIT
  "$BIN/install-certificates.sh" all
  say "waiting for the cluster at $API_ENDPOINT_NAME"
  wait_until "$CLUSTER_SECONDS" "the API at $API_ENDPOINT_NAME" api_answers "$PKI/ca.crt"
  prepare_discovery "$work"
  # kubeadm refuses a name that a Ready node has; this machine is new, so that one is gone.
  wait_until 60 "the API to accept this machine" \
    kubectl --kubeconfig "$DISCOVERY" --request-timeout 10s delete node "$MACHINE_NAME" --ignore-not-found
  [[ -z ${ETCD_VOLUME_ID:-} ]] || remove_old_member "$work"
  # An etcd member that is down must keep no control plane out.
  say "kubeadm join, Kubernetes $KUBERNETES_VERSION"
  run_kubeadm join --config "$QUORATE_ETC/join.yaml" \
    --ignore-preflight-errors "$(ignored_checks "DirAvailable-${DATA//\//-}" ExternalEtcdVersion)"
  systemctl enable --quiet kubelet
  wait_until 120 "the API server of this machine to be ready" \
    admin_kubectl --server "https://$NODE_ADDRESS:6443" get --raw /readyz
  say "this machine has joined"
}

main
