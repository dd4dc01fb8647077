"""Waits that also watch the unit which is to bring about what is waited for: they end when it fails again and again."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from components.node.common import log
from components.node.common.failure import Failure, Hopeless
from components.node.common.kubeadm import hide_tokens
from components.node.common.programs import run
from components.node.common.waiting import NotYet, wait_until

T = TypeVar("T")

# systemd starts a unit again after each failure. What passes by itself, such as a peer that is not there yet, has
# passed by then: etcd needs some 3 s for each, the kubelet more than 10 s.
_FAILURES = 4
_LAST_COMPLAINTS = 6
_LAST_LINES = 300
_SHOWN_CHARACTERS = 400
_BAD_LEVELS = ("warn", "error", "dpanic", "panic", "fatal")
# klog's letter and date; Go's own last words; the words of programs whose lines have no level.
_COMPLAINT = re.compile(r"[WEF]\d{4} |panic: |fatal error: |.*\b(level=(warn|error|fatal)|error|failed|fatal)\b", re.I)
_STACK = re.compile(r"goroutine \d+ |\s|\S+\.go:\d+|created by |\[signal ")

Remedies = Mapping[str, str]
"""What to do, by a part of what the unit says; the first that is found counts. That of "" is for all else."""


def is_older_than(file: Path, unit: str) -> bool:
    """Whether `unit` runs since before `file` was written; False where there is no such file or unit."""
    if not file.exists():
        return False
    started = run(["systemctl", "show", unit, "--property", "ActiveEnterTimestampMonotonic", "--value"]).strip()
    # In microseconds; 0 of one that has never run.
    if not started.isdigit() or int(started) == 0:
        return False
    runs_for = time.monotonic() - int(started) / 1_000_000
    return time.time() - runs_for < file.stat().st_mtime


def wait_for_unit(
    unit: str,
    seconds: float,
    what: str,
    probe: Callable[[], T],
    *,
    remedies: Remedies | None = None,
    every: float = 1.0,
) -> T:
    """As `wait_until`, but raises Hopeless as soon as `unit` has failed again and again since the wait began.

    The failure has the unit's own last warnings and errors, and what `remedies` say about them.
    """
    before: int | None = None
    was_failed = False

    def watched() -> T:
        nonlocal before, was_failed
        try:
            return probe()
        except Hopeless:
            raise
        except (NotYet, Failure):
            state, restarts = _state(unit)
            # systemd counts from the last start by hand on.
            before = restarts if before is None else min(before, restarts)
            # Seen once, it may be what was before a start that is just coming.
            if restarts - before >= _FAILURES or (was_failed and state == "failed"):
                raise Hopeless(_told(unit, what, remedies or {})) from None
            was_failed = state == "failed"
            raise

    return wait_until(seconds, what, watched, every=every)


def report_complaints(unit: str) -> None:
    """Reports what `unit` complained about last."""
    log.report(f"the last warnings and errors of {unit}:")
    for line in _complaints_of(unit) or ["it has none"]:
        log.write(f"  {line}\n")


def complaints(lines: Iterable[str]) -> Sequence[str]:
    """The last warnings and errors among lines of a log, each once: in JSON, klog's or anybody's form, as one line."""
    found: dict[str, None] = {}
    for line in lines:
        if said := _complaint(line.rstrip()):
            # Again: it counts as the later one.
            found.pop(said, None)
            found[said] = None
    return [*found][-_LAST_COMPLAINTS:]


def remedy_for(said: str, remedies: Remedies) -> str:
    """The remedy for what is `said`; "" where there is none."""
    return next((remedy for part, remedy in remedies.items() if part in said), "")


def _complaint(line: str) -> str | None:
    try:
        entry = json.loads(line)
    except ValueError:
        entry = None
    if isinstance(entry, dict):
        return _of_json(entry) if str(entry.get("level", "")) in _BAD_LEVELS else None
    if _STACK.match(line) or not _COMPLAINT.match(line):
        return None
    # The same complaint a moment later is the same.
    return re.sub(r"^([WEF])\d{4} [\d:.]+ +\d+ ", r"\1 ", line)[:_SHOWN_CHARACTERS]


def _of_json(entry: Mapping[str, Any]) -> str:
    why = entry.get("error") or entry.get("err") or ""
    return f"{entry['level']}: {entry.get('msg', '')}{f': {why}' if why else ''}"[:_SHOWN_CHARACTERS]


def _state(unit: str) -> tuple[str, int]:
    """The unit's state, and how often systemd started it again by itself."""
    try:
        text = run(["systemctl", "show", unit, "--property", "ActiveState,NRestarts"])
    except Failure:
        return "", 0
    values = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    return values.get("ActiveState", ""), int(values.get("NRestarts") or 0)


def _complaints_of(unit: str) -> Sequence[str]:
    journal = ["journalctl", "--unit", unit, "--lines", str(_LAST_LINES), "--no-pager", "--output", "cat"]
    try:
        lines = [hide_tokens(line) or "" for line in run(journal).splitlines()]
    except Failure as failure:
        return [str(failure)]
    return complaints(lines) or [line.strip() for line in lines[-_LAST_COMPLAINTS:]]


def _told(unit: str, what: str, remedies: Remedies) -> str:
    said = _complaints_of(unit)
    remedy = remedy_for("\n".join(said), remedies)
    return (
        f"{unit} fails again and again on this machine, so waiting for {what} is of no use. Its last warnings and "
        f"errors: {' / '.join(said) or 'none'}.{f' {remedy}' if remedy else ''}"
    )
