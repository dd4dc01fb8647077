"""Machines: a container each, with an overlay of the machine image as its root disk."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox.cloud import namespace
from sandbox.cloud.container_spec import capabilities_in, container_spec
from sandbox.cloud.namespace import CommandFailed, run
from sandbox.host import bounding_set

_IMAGE_STORE = "/var/lib/containerd"
_OFF_OVERLAY = (_IMAGE_STORE, "/var/lib/kubelet")
_STOP_DEADLINE_SECONDS = 20
_SYSTEMD_HALT = str(int(signal.SIGRTMIN) + 3)


@dataclass(frozen=True)
class Machines:
    """All machines of the sandbox.

    `disks` holds a folder per machine, `image` the machine image's tree, and `store` the container images that new
    machines have, unpacked, from the first boot on.
    """

    disks: Path
    image: Path
    store: Path | None = None
    init: tuple[str, ...] = ("/sbin/machine-init",)

    @property
    def runc_root(self) -> Path:
        return self.disks.parent / "runc"

    def disk(self, instance_id: str) -> Path:
        return self.disks / instance_id

    def ids(self) -> list[str]:
        """Machines that have a disk here, running or not."""
        return sorted(path.name for path in self.disks.glob("i-*"))

    def state(self, instance_id: str) -> str:
        """`running`, `stopped`, or `absent` where there is no container."""
        try:
            return str(json.loads(self._runc("state", instance_id))["status"])
        except CommandFailed:
            return "absent"

    def inside(self, instance_id: str, *command: str) -> list[str]:
        """The words of a host command that runs this one in the machine as root."""
        return ["runc", "--root", str(self.runc_root), "exec", "--env", "HOME=/root", instance_id, *command]

    def facts(self, instance_id: str) -> dict[str, str | int | None]:
        """`state` as above, and `process`, the host process id of the machine's init where it runs."""
        state = self.state(instance_id)
        return {"state": state, "process": self.process_id(instance_id) if state == "running" else None}

    def process_id(self, instance_id: str) -> int:
        """Host process id of the machine's init."""
        return int(json.loads(self._runc("state", instance_id))["pid"])

    def has_booted(self, instance_id: str) -> bool:
        """Whether the machine has a disk of its own already."""
        return (self.disk(instance_id) / "upper").is_dir()

    def start(self, instance_id: str, hostname: str, network_namespace: str, files: Mapping[str, bytes]) -> None:
        """Boots the machine from its disk, which is made from the image the first time.

        `files` are laid over the disk before the first process starts: what the platform, not the image,
        knows (resolver, trusted certificates).
        """
        disk = self.disk(instance_id)
        rootfs = disk / "rootfs"
        self._remove_container(instance_id)
        if self.store and self.store.is_dir():
            link_store(self.store, disk / self._own(_IMAGE_STORE))
        for folder in ("rootfs", "upper", "work", *(self._own(path) for path in _OFF_OVERLAY)):
            (disk / folder).mkdir(parents=True, exist_ok=True)
        if not rootfs.is_mount():
            layers = f"lowerdir={self.image},upperdir={disk / 'upper'},workdir={disk / 'work'}"
            run("mount", "-t", "overlay", "-o", layers, f"quorate-{instance_id}", str(rootfs))
        for path, content in files.items():
            target = rootfs / path.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            target.write_bytes(content)
        spec = container_spec(
            instance_id=instance_id,
            hostname=hostname,
            rootfs=rootfs,
            network_namespace=namespace.path_of(network_namespace),
            init=self.init,
            capabilities=capabilities_in(bounding_set(Path("/proc/self/status").read_text())),
            own_directories={path: disk / self._own(path) for path in _OFF_OVERLAY},
        )
        (disk / "config.json").write_text(json.dumps(spec, indent=1))
        self._launch(instance_id, disk)

    def stop(self, instance_id: str) -> None:
        """Shuts the machine down in good order, by force after a deadline; its disk stays."""
        if self.state(instance_id) == "running":
            self._runc("kill", instance_id, _SYSTEMD_HALT)
            deadline = time.monotonic() + _STOP_DEADLINE_SECONDS
            while self.state(instance_id) == "running" and time.monotonic() < deadline:
                time.sleep(0.1)
        self._remove_container(instance_id)
        self._unmount(instance_id)

    def power_off(self, instance_id: str) -> None:
        """Ends the machine at once, as a power failure would; its disk stays."""
        self._remove_container(instance_id)
        self._unmount(instance_id)

    def terminate(self, instance_id: str) -> None:
        """Ends the machine at once and deletes its root disk; nothing where it is gone already."""
        self.power_off(instance_id)
        shutil.rmtree(self.disk(instance_id), ignore_errors=True)

    def _launch(self, instance_id: str, disk: Path) -> None:
        with (disk / "console.log").open("ab") as console:
            outcome = subprocess.run(
                ["runc", "--root", str(self.runc_root), "run", "--detach", "--bundle", str(disk), instance_id],
                stdin=subprocess.DEVNULL, stdout=console, stderr=console,
            )  # fmt: skip
        if outcome.returncode:
            last = "\n".join((disk / "console.log").read_text(errors="replace").splitlines()[-5:])
            raise CommandFailed(f"machine {instance_id} did not start (runc exit {outcome.returncode}):\n{last}")

    def _remove_container(self, instance_id: str) -> None:
        if self.state(instance_id) != "absent":
            self._runc("delete", "--force", instance_id)

    def _unmount(self, instance_id: str) -> None:
        rootfs = self.disk(instance_id) / "rootfs"
        if rootfs.is_mount():
            try:
                run("umount", "--lazy", str(rootfs))
            except CommandFailed:
                # A supervisor that ends at the same time may have been quicker.
                if rootfs.is_mount():
                    raise

    def _runc(self, *arguments: str) -> str:
        return run("runc", "--root", str(self.runc_root), *arguments)

    @staticmethod
    def _own(path: str) -> str:
        return "own" + path.replace("/", "-")


def link_store(store: Path, target: Path) -> None:
    """Gives a machine that has none a store of its own: links to what never changes, copies of its databases.

    Nothing where the two are on different disks: there the machine pulls its images.
    """
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if store.stat().st_dev != target.parent.stat().st_dev:
        return
    partial = target.with_name(f"{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    run("cp", "--archive", "--link", str(store), str(partial))
    for database in store.rglob("*.db"):
        linked = partial / database.relative_to(store)
        linked.unlink()
        shutil.copy2(database, linked)
    partial.rename(target)
