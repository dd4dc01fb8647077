"""EBS volumes: sparse files behind loop devices, shown to a machine as the NVMe disks that EC2 shows."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sandbox.cloud.namespace import run

_GIB = 1024**3


@dataclass(frozen=True)
class Volumes:
    """All volumes of the sandbox, a file each in `folder`."""

    folder: Path

    def ids(self) -> list[str]:
        return sorted(path.stem for path in self.folder.glob("vol-*.img"))

    def create(self, volume_id: str, size_gib: int) -> None:
        """Makes the volume, or grows it; it takes no room until it is written."""
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self._file(volume_id)
        with file.open("ab"):
            file.chmod(0o600)
        if file.stat().st_size < size_gib * _GIB:
            os.truncate(file, size_gib * _GIB)
            for device in self._loop_devices(volume_id):
                run("losetup", "--set-capacity", device)

    def delete(self, volume_id: str) -> None:
        self._release(volume_id)
        self._file(volume_id).unlink(missing_ok=True)

    def attach(self, volume_id: str, machine_process_id: int) -> None:
        """Shows the volume in the machine as the next free NVMe disk, with the link that udev makes on EC2."""
        link = f"/dev/disk/by-id/{link_name(volume_id)}"
        if _in_machine(machine_process_id, "sh", "-c", f"[ -b {link} ] && echo present || true").strip():
            return
        loop = (
            self._loop_devices(volume_id) or [run("losetup", "--find", "--show", str(self._file(volume_id))).strip()]
        )[0]
        number = os.minor(Path(loop).stat().st_rdev)
        taken = set(_in_machine(machine_process_id, "sh", "-c", "ls /dev | grep '^nvme' || true").split())
        name = next(f"nvme{n}n1" for n in range(1, 29) if f"nvme{n}n1" not in taken)
        _in_machine(
            machine_process_id, "sh", "-c",
            f"mknod /dev/{name} b 7 {number} && mkdir -p /dev/disk/by-id && ln -sfn ../../{name} {link}",
        )  # fmt: skip

    def in_use(self) -> list[str]:
        """Volumes that have a loop device."""
        return [volume_id for volume_id in self.ids() if self._loop_devices(volume_id)]

    def detach(self, volume_id: str, machine_process_ids: Iterable[int]) -> None:
        """Takes the volume away from whichever of these machines shows it, and frees the loop device."""
        link = f"/dev/disk/by-id/{link_name(volume_id)}"
        for process_id in machine_process_ids:
            _in_machine(process_id, "sh", "-c", f'[ ! -b {link} ] || rm -f "$(readlink -f {link})" {link}')
        self._release(volume_id)

    def release_all(self) -> None:
        """Frees every loop device of this sandbox; the files stay."""
        for volume_id in self.ids():
            self._release(volume_id)

    def _file(self, volume_id: str) -> Path:
        return self.folder / f"{volume_id}.img"

    def _release(self, volume_id: str) -> None:
        for device in self._loop_devices(volume_id):
            run("losetup", "--detach", device)

    def _loop_devices(self, volume_id: str) -> list[str]:
        if not self._file(volume_id).exists():
            return []
        listed = run("losetup", "--json", "--list", "--output", "NAME", "--associated", str(self._file(volume_id)))
        return [device["name"] for device in json.loads(listed or '{"loopdevices": []}')["loopdevices"]]


def link_name(volume_id: str) -> str:
    """The name below /dev/disk/by-id: `vol-0ab…` is `nvme-Amazon_Elastic_Block_Store_vol0ab…`."""
    if not re.fullmatch(r"vol-[0-9a-f]+", volume_id):
        raise ValueError(f"{volume_id!r} is not a volume id")
    return f"nvme-Amazon_Elastic_Block_Store_{volume_id.replace('-', '', 1)}"


def _in_machine(process_id: int, *command: str) -> str:
    return run("nsenter", "--target", str(process_id), "--mount", *command)
