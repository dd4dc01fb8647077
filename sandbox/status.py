"""What runs, as everybody but the supervisor reads it: the supervisor's process and files, and the machines."""

from __future__ import annotations

import contextlib
import fcntl
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sandbox import control
from sandbox.cloud import wiring
from sandbox.cloud.machines import Machines
from sandbox.cloud.volumes import Volumes
from sandbox.errors import SandboxError
from sandbox.paths import state_dir


@dataclass(frozen=True)
class Status:
    """What a running supervisor reports: its process, its proxy for the operator, and the CA behind it."""

    pid: int
    proxy: str
    ca: str


def status_file() -> Path:
    return state_dir() / "supervisor.json"


def log_file() -> Path:
    return state_dir() / "supervisor.log"


def requests_file() -> Path:
    """The log of the requests to the account."""
    return state_dir() / "account" / "requests.log"


def tools_file() -> Path:
    """Names of the tools that the running sandbox was built with, a line each."""
    return state_dir() / "tools"


def lock_file() -> Path:
    return state_dir() / "supervisor.lock"


def control_socket() -> Path:
    return state_dir() / "control"


def running() -> Status | None:
    """The running supervisor's status; None where none runs, however the last one ended. Raises SandboxError."""
    try:
        with lock_file().open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return None
    except BlockingIOError:
        pass
    except FileNotFoundError:
        return None
    except PermissionError:
        raise SandboxError(
            f"{lock_file()} is another user's; run the same command as that user, or with sudo"
        ) from None
    try:
        return Status(**json.loads(status_file().read_text()))
    except (FileNotFoundError, ValueError):
        return None


def machines() -> Machines:
    """The machines on this host, whether a supervisor runs or not."""
    return Machines(disks=state_dir() / "machines", image=Path("/"))


def machine_names() -> Mapping[str, str]:
    """Name tags by instance id, as the supervisor last wrote them."""
    try:
        names: dict[str, str] = json.loads((state_dir() / "machines" / "names.json").read_text())
    except FileNotFoundError:
        return {}
    return names


def report() -> dict[str, Any]:
    """Everything that there is, as plain values: what `python -m sandbox status --json` prints. Raises SandboxError."""
    found, known, names = running(), machines(), machine_names()
    return {
        "supervisor": asdict(found) if found else None,
        "machines": [{"id": i, "name": names.get(i, ""), **known.facts(i)} for i in known.ids()],
        "networks": wiring.connected_machines(),
        "volumes": Volumes(folder=state_dir() / "volumes").ids(),
        "faults": _faults() if found else [],
        "state": str(state_dir()),
        "log": str(log_file()),
        "requests": str(requests_file()),
    }


def _faults() -> list[str]:
    with contextlib.suppress(SandboxError):  # it is just ending
        return control.ask(control_socket(), {}).splitlines()
    return []


def instance_named(name: str) -> str:
    """The instance id for a Name tag, an instance id, or a node name that ends with one. Raises SandboxError."""
    if name in machines().ids():
        return name
    names = machine_names()
    found = [i for i, tag in names.items() if name in (tag, i) or name.endswith(f"-{i}")]
    if len(found) > 1:
        raise SandboxError(f"{len(found)} machines are called {name!r}; name one by its id: {', '.join(sorted(found))}")
    if not found:
        known = ", ".join(sorted(tag or instance_id for instance_id, tag in names.items())) or "none"
        raise SandboxError(f"no machine is called {name!r}; machines: {known}")
    return found[0]
