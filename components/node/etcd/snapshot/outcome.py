"""What this machine's snapshots came to, in a file for whoever asks: its last one that counts, its last failure, and
the last one of the cluster that it knows of, whoever took it.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from components.node.common.files import content_of, install_text
from components.node.etcd.snapshot.due import Last, iso_time, read_time
from components.node.etcd.snapshot.manifest import Manifest

OUTCOME: Final = Path("/var/lib/quorate/snapshot.json")


def record_success(manifest: Manifest, path: Path = OUTCOME) -> None:
    _record("lastSuccess", dataclasses.asdict(manifest), path)


def record_failure(reason: str, now: float, taken: Last | None, path: Path = OUTCOME) -> None:
    """`taken` is the snapshot that was begun; None where it did not come so far."""
    _record("lastFailure", {"id": taken.id if taken else "", "time": iso_time(now), "reason": reason}, path)


def record_last(last: Last, path: Path = OUTCOME) -> None:
    """The cluster's last one, as etcd has it."""
    _record("lastOfCluster", json.loads(last.text()), path)


def failed_at(path: Path = OUTCOME) -> int | None:
    """When the last attempt to take a snapshot failed; None where none did, or one has succeeded since."""
    found = read_outcome(path)
    try:
        failure, success = found["lastFailure"], found.get("lastSuccess")
        if not failure["id"] or (success and success["id"] > failure["id"]):
            return None
        return read_time(failure["time"])
    except (TypeError, KeyError, ValueError):
        return None


def read_outcome(path: Path = OUTCOME) -> Mapping[str, Any]:
    """`lastSuccess`, `lastFailure` and `lastOfCluster`, as far as there was one."""
    try:
        found = json.loads(content_of(path) or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _record(name: str, values: Mapping[str, object], path: Path) -> None:
    install_text(path, f"{json.dumps({**read_outcome(path), name: values}, indent=2)}\n")
