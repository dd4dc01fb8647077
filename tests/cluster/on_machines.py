"""Reaches into the machines of a running sandbox, as a person with their console would."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

from tests import sandbox_cli


@cache
def _disks() -> Path:
    """The folder that has one of each machine, named by its instance id, with its root disk in `rootfs`."""
    return Path(sandbox_cli.status()["state"]) / "machines"


def machine_ids() -> list[str]:
    """Machines that have a disk, running or not."""
    return sorted(path.name for path in _disks().glob("i-*"))


def processes() -> dict[str, int | None]:
    """The host process id of each machine's init, by instance id; None where it does not run."""
    return {machine["id"]: machine["process"] for machine in sandbox_cli.status()["machines"]}


def command_on(instance_id: str, *command: str) -> list[str]:
    """The command line that runs a command on a machine, past its network; to be run in CHECKOUT."""
    return sandbox_cli.command("ssh", instance_id, *command)


def run_on(instance_id: str, *command: str, seconds: float = 60) -> subprocess.CompletedProcess[str]:
    """Runs a command on a machine, past its network, and says how it ended."""
    return subprocess.run(
        command_on(instance_id, *command),
        cwd=sandbox_cli.CHECKOUT, capture_output=True, text=True, timeout=seconds, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def on_machine(*command: str) -> str:
    """What a command says on the only machine there is."""
    (instance_id,) = machine_ids()
    outcome = run_on(instance_id, *command)
    outcome.check_returncode()
    return outcome.stdout


def log_of_step(step: str) -> str:
    """What a node script has logged so far, on one machine after the other; nothing where there is none yet."""
    logs = [_disks() / instance / "rootfs/var/log/quorate" / f"{step}.log" for instance in machine_ids()]
    return "".join(log.read_text(errors="replace") for log in logs if log.exists())


def left_on_the_host() -> dict[str, list[str]]:
    """What of machines is on this host: disks, networks and volumes, by their ids; empty lists where nothing is."""
    found = sandbox_cli.status()
    return {
        "machines": [m["id"] for m in found["machines"]],
        "networks": found["networks"],
        "volumes": found["volumes"],
    }
