"""The disk with etcd's data, which outlives the machine: found, formatted if it is blank, checked, grown, mounted.

Runs before the kubelet and etcd at every boot: etcd must never start beside its data.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

from components.node.common import log
from components.node.common.environment import read_environment
from components.node.common.failure import Failure
from components.node.common.programs import output_and_code, run
from components.node.common.step import run_step
from components.node.common.waiting import NotYet, wait_until

MOUNT_POINT = Path("/var/lib/etcd")
# The label is set when formatting is complete: a disk whose formatting was cut off is none with data.
UNFINISHED, FINISHED = "quorate-new", "quorate-etcd"
DISK_SECONDS = 600


@dataclass(frozen=True)
class Content:
    """What blkid finds on a device; all empty where it is blank."""

    file_system: str = ""
    label: str = ""
    partition_table: str = ""


class Verdict(Enum):
    READY = auto()
    BLANK = auto()
    FOREIGN = auto()


def judge(content: Content) -> Verdict:
    """BLANK may be formatted: nothing was ever there, or a formatting of quorate's that was cut off."""
    if content.file_system == "ext4" and content.label == FINISHED:
        return Verdict.READY
    if content.label == UNFINISHED or content == Content():
        return Verdict.BLANK
    return Verdict.FOREIGN


def device_names(volume: str) -> Sequence[Path]:
    """Where the device of an EBS volume may be: by the serial number of NVMe, or as it was attached (Xen)."""
    return (
        Path(f"/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_{volume.replace('-', '', 1)}"),
        Path("/dev/sdf"),
        Path("/dev/xvdf"),
    )


def start_volume() -> None:
    """Returns when the boot's service has mounted the volume, and its file system is as large as the volume."""

    def start() -> None:
        run(["systemctl", "start", "quorate-etcd-volume.service"], seconds=660)

    wait_until(660, "the etcd volume; see: journalctl -u quorate-etcd-volume", start)
    mount_volume()


def mount_volume(mount_point: Path = MOUNT_POINT) -> None:
    volume, device = wait_until(600, "the etcd volume to be attached", _find)
    if mount_point.is_mount():
        try:
            grow(device)
        except Failure as failure:
            log.report(f"{failure}; the file system cannot grow while it is in use here, but when the machine starts")
        return
    prepare(device, volume)
    mount_point.mkdir(parents=True, exist_ok=True)
    run(["mount", "-t", "ext4", "-o", "noatime,nodev,nosuid,noexec", str(device), str(mount_point)])
    # etcd on a machine of its own is an ordinary user, who must reach its own directory below.
    mount_point.chmod(0o711)
    log.report(f"volume {volume} is mounted at {mount_point}")


def prepare(device: Path, volume: str) -> None:
    """A file system that is whole and as large as the device. Raises Failure for anything that isn't quorate's."""
    content = content_of_device(device)
    match judge(content):
        case Verdict.FOREIGN:
            raise Failure(
                f"volume {volume} ({device}) holds {_described(content)}, which is not quorate's; nothing was changed."
                f" Attach the right volume, or wipe this one with: wipefs --all {device}"
            )
        case Verdict.BLANK:
            log.report(f"formatting blank volume {volume} ({device})")
            run(["mkfs.ext4", "-q", "-F", "-L", UNFINISHED, str(device)], seconds=DISK_SECONDS)
            run(["tune2fs", "-L", FINISHED, str(device)])
        case Verdict.READY:
            pass
    _check(device)
    grow(device)


def content_of_device(device: Path) -> Content:
    # 2: it found nothing.
    output, code = output_and_code(["blkid", "--probe", "--output", "export", str(device)], accepted=range(256))
    if code not in (0, 2):
        raise Failure(
            f"what is on {device} is not clear (blkid ended with {code}); look at it with: blkid --probe {device}"
        )
    tags = dict(line.split("=", 1) for line in output.splitlines() if "=" in line)
    return Content(tags.get("TYPE", ""), "".join(shlex.split(tags.get("LABEL", ""))), tags.get("PTTYPE", ""))


def grow(device: Path) -> None:
    """After the volume was enlarged."""
    for line in run(["resize2fs", str(device)], seconds=DISK_SECONDS).splitlines():
        _, grown, size = line.partition(" is now ")
        if grown:
            log.report(f"the file system is now {size}")


def _find() -> tuple[str, Path]:
    # Read again at every try: pulumi may deliver another volume's name meanwhile.
    volume = read_environment("ETCD_VOLUME_ID")["ETCD_VOLUME_ID"]
    for name in device_names(volume):
        if name.is_block_device():
            return volume, name.resolve()
    there = run(["lsblk", "--noheadings", "--list", "--output", "NAME"]).split()
    raise NotYet(f"no block device for volume {volume}; there are: {' '.join(there)}")


def _check(device: Path) -> None:
    """After a machine was lost, the journal is replayed."""
    try:
        # 1: repaired.
        run(["e2fsck", "-f", "-p", str(device)], seconds=DISK_SECONDS, accepted=(0, 1))
    except Failure as failure:
        raise Failure(f"the file system on {device} needs repair by hand: {failure}") from failure


def _described(content: Content) -> str:
    if not content.file_system:
        return f"a partition table ({content.partition_table})" if content.partition_table else "something unknown"
    return f"a file system of type {content.file_system}, labelled '{content.label}'"


def main(arguments: Sequence[str]) -> int:
    return run_step("mount-etcd-volume", mount_volume)
