#!/usr/bin/env bash
# Makes this machine the control plane that /etc/quorate describes: initializes the cluster or joins it, finishes what
# an earlier run left half done, brings a new machine back to an old disk, or applies a changed configuration.
set -euo pipefail
# shellcheck source=components/node/scripts/common.sh
source "$(dirname "$0")/common.sh"
BIN="$(dirname "$0")"
readonly BIN
readonly APPLIED="$QUORATE_ETC/applied-kubeadm.yaml"
readonly CLUSTER_MARK=/var/lib/etcd/cluster-ca.sha256
# On the disk of etcd, which outlives the machine.
readonly VERSION_MARK=/var/lib/etcd/kubernetes-version

wait_for_preparation() {
  "$BIN/prepare-machine.sh"
  # With etcd on machines of its own there is no such disk.
  [[ -n ${ETCD_VOLUME_ID:-} ]] || return 0
  wait_until 660 "the etcd volume; see: journalctl -u quorate-etcd-volume" systemctl start quorate-etcd-volume.service
  # A larger volume needs a larger file system.
  "$BIN/mount-etcd-volume.sh"
}

# What is on the machine: running, half-done or blank.
observed_state() {
  if [[ -e $APPLIED && -e /etc/kubernetes/admin.conf ]]; then
    printf running
  elif compgen -G '/etc/kubernetes/*.conf' >/dev/null || compgen -G '/etc/kubernetes/manifests/*.yaml' >/dev/null ||
    [[ -e /var/lib/kubelet/config.yaml ]]; then
    printf half-done
  else
    printf blank
  fi
}

# refuse_upgrade RUNNING: other packages or manifests must not come by the way.
refuse_upgrade() {
  if [[ -n $1 && $1 != "$KUBERNETES_VERSION" ]]; then
    die "this cluster runs Kubernetes $1 and the settings name $KUBERNETES_VERSION; an upgrade has steps of its own, which this is not. Nothing was changed: set cluster.kubernetesVersion to $1"
  fi
}

# A disk of another cluster must not be taken over, and never wiped.
check_disk() {
  local -r ours="$(sha256sum <"$QUORATE_ETC/pki/ca.crt")"
  if [[ -e $CLUSTER_MARK && "$(cat "$CLUSTER_MARK")" != "$ours" ]]; then
    die "volume ${ETCD_VOLUME_ID:-} holds the data of a cluster with another certificate authority; nothing was changed. Attach the volume of this cluster"
  fi
  [[ ! -e $VERSION_MARK ]] || refuse_upgrade "$(cat "$VERSION_MARK")"
}

clean_up_half_done() {
  say "an earlier run was cut off: cleaning up what it left"
  # A member of a join that never completed has its vote as long as it runs. Reset would only stop it: two members
  # would have no quorum then, and the cluster would stand still.
  [[ -z ${JOINS:-} || -z ${ETCD_VOLUME_ID:-} || -e $CLUSTER_MARK ]] || "$BIN/leave-etcd.sh"
  # Without that phase, reset leaves etcd's data alone; the mark on the disk decides about it below.
  kubeadm reset --force --skip-phases remove-etcd-member >/dev/null 2>&1 ||
    die "kubeadm reset failed; run it by hand with --skip-phases remove-etcd-member to see why"
}

# Whether an API server of this cluster answers already, ready or not: then a second one must not be initialized.
cluster_exists() {
  local host
  for host in "$API_ENDPOINT_NAME" ${CONTROL_PLANE_ADDRESSES:-}; do
    if curl --cacert "$QUORATE_ETC/pki/ca.crt" --silent --max-time 4 --output /dev/null "https://$host:6443/readyz"; then
      say "an API server of this cluster answers at $host"
      return
    fi
  done
  return 1
}

enter_the_cluster() {
  if [[ -e $CLUSTER_MARK ]]; then
    "$BIN/initialize-control-plane.sh"
  elif [[ -n ${JOINS:-} ]] || cluster_exists; then
    "$BIN/join-control-plane.sh"
  else
    "$BIN/initialize-control-plane.sh"
  fi
  [[ -z ${ETCD_VOLUME_ID:-} ]] || sha256sum <"$QUORATE_ETC/pki/ca.crt" | install_text 644 "$CLUSTER_MARK" || true
}

start_timers() {
  [[ -n ${JOIN_PARAMETER:-} ]] || return 0
  systemctl enable --quiet --now quorate-join-credentials.timer quorate-tend-workers.timer
  systemctl start --no-block quorate-join-credentials.service
}

main() {
  local state
  [[ $(id --user) -eq 0 ]] || die "must be root; run it with sudo"
  mkdir -p "$QUORATE_LOGS"
  take_lock 1800
  start_log
  load_environment MACHINE_NAME NODE_ADDRESS API_ENDPOINT_NAME KUBERNETES_VERSION
  [[ -s $QUORATE_ETC/kubeadm.yaml ]] || die "$QUORATE_ETC/kubeadm.yaml is missing; run pulumi up, which delivers it"
  [[ -s $QUORATE_ETC/pki/ca.key ]] || die "$QUORATE_ETC/pki has no certificate authority; run pulumi up, which delivers it"
  # Before any package is touched.
  [[ ! -e $APPLIED ]] || refuse_upgrade "$(sed --quiet 's/^kubernetesVersion: *v//p' "$APPLIED")"
  wait_for_preparation
  check_disk
  state="$(observed_state)"
  say "this machine is $state"
  [[ $state != half-done ]] || clean_up_half_done
  [[ $state == running ]] || enter_the_cluster
  # With a load balancer, the name is what DNS says as soon as that serves: a step of its own, as it takes minutes.
  [[ -z ${API_ENDPOINT_ADDRESS:-} ]] || "$BIN/name-api-endpoint.sh" "$API_ENDPOINT_ADDRESS"
  [[ $state != running ]] || "$BIN/apply-configuration.sh"
  "$BIN/give-kubectl.sh"
  start_timers
  [[ -z ${ETCD_VOLUME_ID:-} ]] || install_text 644 "$VERSION_MARK" <<<"$KUBERNETES_VERSION" || true
  install_text 600 "$APPLIED" <"$QUORATE_ETC/kubeadm.yaml" || true
}

main
