"""What this machine's snapshots came to, in a file for whoever asks: the last one that counts, the last failure."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from components.node.common.files import content_of, install_text
from components.node.etcd.snapshot.due import iso_time
from components.node.etcd.snapshot.manifest import Manifest

OUTCOME: Final = Path("/var/lib/quorate/snapshot.json")


def record_success(manifest: Manifest, path: Path = OUTCOME) -> None:
    _record("lastSuccess", dataclasses.asdict(manifest), path)


def record_failure(reason: str, path: Path = OUTCOME) -> None:
    _record("lastFailure", {"time": iso_time(time.time()), "reason": reason}, path)


def read_outcome(path: Path = OUTCOME) -> Mapping[str, Any]:
    """`lastSuccess` and `lastFailure`, as far as there was one."""
    try:
        found = json.loads(content_of(path) or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _record(name: str, values: Mapping[str, object], path: Path) -> None:
    install_text(path, f"{json.dumps({**read_outcome(path), name: values}, indent=2)}\n")
