"""What this machine knows of snapshots, for Prometheus: a file that node_exporter's textfile collector reads.

Names and meanings are an interface: alerts are written with them (docs/operate.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from components.node.common.files import install_text
from components.node.etcd.snapshot.due import read_time

METRICS: Final = Path("/var/lib/quorate/metrics/snapshots.prom")
_PREFIX: Final = "quorate_etcd_snapshot"


def write_metrics(outcome: Mapping[str, Any], hours: float, path: Path = METRICS) -> None:
    """From what `read_outcome` gives; `hours` is the interval. Replaced whole, so that nobody reads half of it."""
    lines = [line for found in _metrics(outcome, hours) for line in _lines(*found)]
    install_text(path, "".join(f"{line}\n" for line in lines))


def _metrics(outcome: Mapping[str, Any], hours: float) -> Iterator[tuple[str, str, float | None]]:
    last, success, failure = (outcome.get(name) for name in ("lastOfCluster", "lastSuccess", "lastFailure"))
    yield "interval_seconds", "After so long another snapshot is due.", hours * 3600
    yield "last_timestamp_seconds", "When the cluster's last snapshot that counts was begun.", _time(last)
    yield "last_success_timestamp_seconds", "When the last one that this machine took was begun.", _time(success)
    yield "last_success_size_bytes", "Size of the last one that this machine took.", _number(success, "bytes")
    yield "last_failure_timestamp_seconds", "When this machine last failed to take one.", _time(failure)


def _lines(name: str, meaning: str, value: float | None) -> Iterator[str]:
    """None at all where there is no value: a 0 would be one."""
    if value is not None:
        yield f"# HELP {_PREFIX}_{name} {meaning}"
        yield f"# TYPE {_PREFIX}_{name} gauge"
        yield f"{_PREFIX}_{name} {value:.0f}"


def _time(found: Any) -> float | None:
    try:
        return read_time(found["time"])
    except (TypeError, KeyError, ValueError):
        return None


def _number(found: Any, name: str) -> float | None:
    try:
        return float(found[name])
    except (TypeError, KeyError, ValueError):
        return None
