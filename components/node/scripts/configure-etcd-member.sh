#!/usr/bin/env bash
# Makes this machine the etcd member that /etc/quorate describes: a new member of a new cluster, the same member on a
# new machine, or, where its disk was lost and the others are well, a new member in its place. Returns when it serves.
set -euo pipefail
# shellcheck source=components/node/scripts/common.sh
source "$(dirname "$0")/common.sh"
# shellcheck source=components/node/scripts/etcd-membership.sh
source "$(dirname "$0")/etcd-membership.sh"
BIN="$(dirname "$0")"
readonly BIN
readonly PKI="${ETCD_PKI:-/etc/etcd/pki}" DISK="${ETCD_DISK:-/var/lib/etcd}"
readonly DATA="$DISK/data" CLUSTER_MARK="$DISK/cluster-ca.sha256"
# Whoever was lost may have been the leader.
readonly ELECTION_SECONDS="${ETCD_ELECTION_SECONDS:-30}"
readonly MEMBERSHIP="$QUORATE_ETC/etcd-membership.env"
readonly APPLIED="$QUORATE_ETC/applied-etcd.env"

# A disk of another cluster must not be taken over, and never wiped.
check_disk() {
  if [[ -e $CLUSTER_MARK && "$(cat "$CLUSTER_MARK")" != "$(sha256sum <"$PKI/ca.crt")" ]]; then
    die "volume $ETCD_VOLUME_ID holds the data of a cluster with another certificate authority; nothing was changed. Attach the volume of this cluster"
  fi
}

# Whether each of PEER_ADDRESSES serves and has a leader; says how many do.
all_peers_are_healthy() {
  local address healthy=0 others=0
  for address in $PEER_ADDRESSES; do
    others=$((others + 1))
    ! is_healthy "$address" >/dev/null 2>&1 || healthy=$((healthy + 1))
  done
  printf 'only %s of %s others are healthy' "$healthy" "$others"
  ((healthy == others))
}

# enter_again ADDRESS ID: the others know a member ID at this machine's address that had data; the disk is blank.
# Removing it takes a quorum, and so does adding one: done only while every other member is well.
enter_again() {
  wait_until "$ELECTION_SECONDS" "the other members, since the disk of this one is blank and they know it with data. Nothing was changed: if the old disk exists, attach it; else bring the other members back first, or restore all from a snapshot" all_peers_are_healthy
  say "the disk of this member was lost; the others are healthy: it enters again, as a new member without a vote"
  wait_until 60 "etcd to remove member $2" remove_member "$1" "$2"
  announce "$1"
}

# announce ADDRESS: a learner; the state `existing` makes it fetch everything from the others.
announce() {
  wait_until 60 "etcd to add this member" add_learner "$1" "$NODE_ADDRESS"
  install_text 644 "$MEMBERSHIP" <<<"ETCD_INITIAL_CLUSTER_STATE=existing" || true
}

# Decides, before a first start on a blank disk, as whom this member starts.
choose_membership() {
  local known id
  [[ ! -d $DATA/member ]] || return 0
  install_text 644 "$MEMBERSHIP" <<<"ETCD_INITIAL_CLUSTER_STATE=new" || true
  # No answer: the others are just being made, too.
  known="$(first_answering_member "$PEER_ADDRESSES" 2>/dev/null)"
  [[ -n $known ]] || return 0
  id="$(member_id "$known" "$NODE_ADDRESS")"
  if [[ -z $id ]]; then
    say "this member was removed and not added again: adding it"
    announce "$known"
  elif was_started "$known" "$NODE_ADDRESS"; then
    enter_again "$known" "$id"
  elif [[ "$(member_property "$known" "$NODE_ADDRESS" isLearner)" == true ]]; then
    install_text 644 "$MEMBERSHIP" <<<"ETCD_INITIAL_CLUSTER_STATE=existing" || true
  fi
}

start_or_restart() {
  if ! systemctl is-active --quiet etcd; then
    systemctl enable --quiet etcd
    say "starting etcd $ETCD_VERSION"
    # It says that it is ready when there is a leader: the others may come later.
    systemctl start --no-block etcd
  elif ! cmp --silent "$QUORATE_ETC/etcd.env" "$APPLIED"; then
    "$BIN/restart-etcd.sh"
  fi
}

# A learner gets its vote as soon as it has caught up. It answers no such questions itself: the others do.
is_voting_member() {
  local other id
  [[ -n $PEER_ADDRESSES ]] || return 0
  other="$(first_answering_member "$PEER_ADDRESSES")"
  id="$(member_id "$other" "$NODE_ADDRESS")"
  [[ -n $id ]] || return
  [[ "$(member_property "$other" "$NODE_ADDRESS" isLearner)" != true ]] || promote_member "$other" "$id"
}

main() {
  [[ $(id --user) -eq 0 ]] || die "must be root; run it with sudo"
  mkdir -p "$QUORATE_LOGS"
  take_lock 1800
  start_log
  load_environment MACHINE_NAME NODE_ADDRESS ETCD_VERSION ETCD_VOLUME_ID
  "$BIN/prepare-machine.sh"
  wait_until 660 "the etcd volume; see: journalctl -u quorate-etcd-volume" systemctl start quorate-etcd-volume.service
  "$BIN/mount-etcd-volume.sh"
  "$BIN/install-certificates.sh" all
  use_etcd_credentials "$PKI/ca.crt" "$PKI/member.crt" "$PKI/member.key"
  check_disk
  install --directory --owner etcd --group etcd --mode 700 "$DATA"
  choose_membership
  start_or_restart
  trap 'journalctl --unit etcd --lines 15 --no-pager --output cat || true' EXIT
  wait_until 600 "etcd to have a quorum and to serve at $NODE_ADDRESS" is_healthy "$NODE_ADDRESS"
  wait_until 300 "this member to get its vote" is_voting_member
  trap - EXIT
  sha256sum <"$PKI/ca.crt" | install_text 644 "$CLUSTER_MARK" || true
  install_text 644 "$APPLIED" <"$QUORATE_ETC/etcd.env" || true
  say "member $MACHINE_NAME serves"
}

main
