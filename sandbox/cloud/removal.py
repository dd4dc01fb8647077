"""Removing all that the sandbox has made on this host, whether a supervisor runs or not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sandbox.cloud import wiring
from sandbox.cloud.balancer.process import balancers_folder, end_processes
from sandbox.cloud.machines import Machines
from sandbox.cloud.volumes import Volumes


def remove_everything(state: Path, say: Callable[[str], None]) -> None:
    """Ends every machine, frees every disk and removes the namespace."""
    machines, volumes = Machines(disks=state / "machines", image=Path("/")), Volumes(folder=state / "volumes")
    for instance_id in sorted({*machines.ids(), *wiring.connected_machines()}):
        machines.terminate(instance_id)
        wiring.disconnect_machine(instance_id)
        say(f"{instance_id} removed")
    end_processes(balancers_folder(state))
    volumes.release_all()
    wiring.disconnect_region()
    for root in (Path("/sys/fs/cgroup/quorate"), *Path("/sys/fs/cgroup").glob("*/quorate")):
        for group in sorted((path for path in root.rglob("*") if path.is_dir()), reverse=True):
            group.rmdir()
        if root.is_dir():
            root.rmdir()
