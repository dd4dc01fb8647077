"""Reaches into the machines of a running sandbox, as a person with their console would."""

from __future__ import annotations

import subprocess
from pathlib import Path

from sandbox.cloud.machines import Machines
from sandbox.paths import state_dir


def machines() -> Machines:
    return Machines(disks=state_dir() / "machines", image=Path("/"))


def run_on(instance_id: str, *command: str, seconds: float = 60) -> subprocess.CompletedProcess[str]:
    """Runs a command on a machine, past its network, and says how it ended."""
    return subprocess.run(
        ["runc", "--root", str(machines().runc_root), "exec", instance_id, *command],
        capture_output=True, text=True, timeout=seconds,
    )  # fmt: skip


def on_machine(*command: str) -> str:
    """What a command says on the only machine there is."""
    (instance_id,) = machines().ids()
    outcome = run_on(instance_id, *command)
    outcome.check_returncode()
    return outcome.stdout


def log_of_step(step: str) -> str:
    """What a node script has logged so far, on one machine after the other; nothing where there is none yet."""
    logs = [machines().disk(instance) / "rootfs/var/log/quorate" / f"{step}.log" for instance in machines().ids()]
    return "".join(log.read_text(errors="replace") for log in logs if log.exists())
