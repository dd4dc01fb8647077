#!/usr/bin/env bash
# Finds the disk that outlives the machine, formats it if it is blank, and mounts it at /var/lib/etcd.
# Runs before the kubelet at every boot: etcd must never start beside its data.
set -euo pipefail
# shellcheck source=components/node/scripts/common.sh
source "$(dirname "$0")/common.sh"

readonly MOUNT_POINT=/var/lib/etcd
# The label is set when formatting is complete, so a machine lost in the middle of it is told from a disk with data.
readonly UNFINISHED=quorate-new FINISHED=quorate-etcd

find_device() {
  local candidate
  # Read again at every try: pulumi may deliver another volume's name meanwhile.
  load_environment ETCD_VOLUME_ID
  for candidate in "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_${ETCD_VOLUME_ID/-/}" /dev/sdf /dev/xvdf; do
    if [[ -b $candidate ]]; then
      readlink --canonicalize "$candidate"
      return
    fi
  done
  printf 'no block device for volume %s; there are: %s' "$ETCD_VOLUME_ID" "$(lsblk --noheadings --list --output NAME | xargs)" >&2
  return 1
}

# tag DEVICE NAME: that tag of the file system on it; nothing if the device is blank.
tag() {
  local status=0 value
  value="$(blkid --probe --match-tag "$2" --output value "$1")" || status=$?
  ((status == 0 || status == 2)) || die "cannot tell what is on $1 (blkid ended with $status); look at it with: blkid --probe $1"
  printf '%s' "$value"
}

format_if_blank() {
  local -r device="$1"
  local type label
  type="$(tag "$device" TYPE)"
  label="$(tag "$device" LABEL)"
  if [[ $type == ext4 && $label == "$FINISHED" ]]; then
    return
  fi
  if [[ -n $type && $label != "$UNFINISHED" ]]; then
    die "volume $ETCD_VOLUME_ID ($device) holds a $type file system labelled '$label', which is not quorate's; nothing was changed. Attach the right volume, or wipe this one with: wipefs --all $device"
  fi
  say "formatting blank volume $ETCD_VOLUME_ID ($device)"
  mkfs.ext4 -q -F -L "$UNFINISHED" "$device"
  tune2fs -L "$FINISHED" "$device" >/dev/null
}

# After a machine was lost, the journal is replayed; 1 means repaired.
check_and_repair() {
  local status=0 output
  output="$(e2fsck -f -p "$1" 2>&1)" || status=$?
  ((status <= 1)) || die "the file system on $1 needs a person (e2fsck ended with $status): $output"
}

# A volume that was enlarged.
grow() {
  local output
  output="$(resize2fs "$1" 2>&1)" || { say "resize2fs: ${output##*: }" && return 1; }
  sed --quiet 's/.*is now/the file system is now/p' <<<"$output"
}

main() {
  local device
  start_log
  load_environment MACHINE_NAME ETCD_VOLUME_ID
  wait_until 600 "volume $ETCD_VOLUME_ID to be attached" find_device
  device="$(find_device)"
  if mountpoint --quiet "$MOUNT_POINT"; then
    grow "$device" || say "the file system cannot grow while it is in use here; it will when the machine starts again"
    return
  fi
  format_if_blank "$device"
  check_and_repair "$device"
  grow "$device"
  mkdir -p "$MOUNT_POINT"
  mount -t ext4 -o noatime,nodev,nosuid,noexec "$device" "$MOUNT_POINT"
  # etcd on a machine of its own is an ordinary user, who must reach its own directory below.
  chmod 711 "$MOUNT_POINT"
  say "volume $ETCD_VOLUME_ID is mounted at $MOUNT_POINT"
}

main
