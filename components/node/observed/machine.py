"""observe: what this machine knows of itself and of what runs on it, as JSON on its last line.

Changes nothing. Judged by whoever asked (operations/status).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from components.node.common.clock import compare_clock
from components.node.common.environment import read_environment
from components.node.common.failure import Failure
from components.node.common.kubectl import ADMIN_CONF, Kubectl
from components.node.common.programs import run
from components.node.common.step import run_step, usage
from components.node.common.waiting import NotYet
from components.node.etcd.all_members import members
from components.node.etcd.cluster_mark import DISK
from components.node.etcd.snapshot.outcome import OUTCOME, read_outcome
from components.node.observed.certificates import certificates
from components.node.observed.member import member
from components.node.restore.record import RECORD, read_record

_STEP: Final = "observe"


@dataclass(frozen=True)
class Places:
    """Where files are, fixed on a machine."""

    root: Path = Path("/")
    etcd_disk: Path = DISK
    admin_conf: Path = ADMIN_CONF
    outcome: Path = OUTCOME
    record: Path = RECORD


def main(arguments: Sequence[str]) -> int:
    if arguments:
        return usage(f"usage: quorate-node {_STEP}")
    return run_step(_STEP, lambda: print(json.dumps(observe()), flush=True))


def observe(places: Places | None = None) -> Mapping[str, Any]:
    """What fails says why, in a field of its own; "" where all is well. Raises Failure where node.env can't be read."""
    here = places or Places()
    values = read_environment("ROLE", "CLUSTER_NAME", "MACHINE_NAME", "NODE_ADDRESS")
    holds_member = bool(values.get("ETCD_VOLUME_ID"))
    record = read_record(here.record)
    return {
        "cluster": values["CLUSTER_NAME"],
        "clock": _why_not(compare_clock),
        "awaitsReboot": (here.root / "run" / "reboot-required").exists(),
        "failedUnits": _failed_units(),
        "disks": [_disk(path) for path in (here.root, *([here.etcd_disk] if holds_member else []))],
        "certificates": certificates(here.root),
        "member": member(members().client) if holds_member else None,
        "apiServer": _api_server(here, values["NODE_ADDRESS"]) if values["ROLE"] == "control-plane" else None,
        "snapshots": read_outcome(here.outcome),
        "restoreSince": record.begun if record else "",
    }


def _api_server(here: Places, address: str) -> str:
    return _why_not(Kubectl(here.admin_conf).at(address).api_is_ready)


def _disk(path: Path) -> Mapping[str, Any]:
    """Free for a service, without what is kept for root."""
    try:
        usage = shutil.disk_usage(path)
    except OSError as error:
        return {"path": str(path), "why": str(error), "bytes": 0, "freeBytes": 0}
    return {"path": str(path), "why": "", "bytes": usage.total, "freeBytes": usage.free}


def _failed_units() -> Sequence[str]:
    listed = run(["systemctl", "list-units", "--failed", "--plain", "--no-legend", "--no-pager"])
    return [line.split()[0] for line in listed.splitlines() if line.strip()]


def _why_not(check: Callable[[], None]) -> str:
    try:
        check()
    except (Failure, NotYet) as found:
        return str(found)
    return ""
