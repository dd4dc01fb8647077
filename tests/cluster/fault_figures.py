"""What faults cost: a table for people, and the record that reports are made with."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.cluster.availability import Seen

_SHAPE = {"control_planes": 3, "topology": "external", "members": 3}
_SOURCE = (
    "the prod stack on container machines of one host with 2 cores: a client that writes and reads once a second on a "
    "worker, another on the operator's host"
)


@dataclass
class Figures:
    """By failure (as `operations.survival` names it), what was seen in each of its phases, by place."""

    phases: dict[str, list[tuple[str, Mapping[str, Seen]]]] = field(default_factory=dict)
    notes: dict[str, list[str]] = field(default_factory=dict)

    def add(self, failure: str, phase: str, seen: Mapping[str, Seen]) -> None:
        self.phases.setdefault(failure, []).append((phase, seen))
        print(f"{failure}, {phase}: {_told(seen)}")

    def note(self, failure: str, text: str) -> None:
        self.notes.setdefault(failure, []).append(text)
        print(f"{failure}: {text}")

    def told(self, failure: str) -> str:
        phases = self.phases.get(failure, [])
        return "; ".join([*(f"{phase}: {_told(seen)}" for phase, seen in phases), *self.notes.get(failure, [])])

    def table(self) -> str:
        """As Markdown."""
        rows = [f"| {failure} | {self.told(failure)} |" for failure in {**self.phases, **self.notes}]
        return "\n".join(["| failure | failed seconds |", "| --- | --- |", *rows])

    def record(self, file: Path) -> None:
        """Takes the place of earlier figures of the same failures for a cluster of this shape."""
        recorded = json.loads(file.read_text())
        fresh = [
            {"failure": failure, **_SHAPE, "took": self.told(failure), "source": _SOURCE, "recorded": _month()}
            for failure in {**self.phases, **self.notes}
        ]
        replaced = {row["failure"] for row in fresh}
        kept = [
            row
            for row in recorded["drills"]
            if row["failure"] not in replaced or any(row[key] != value for key, value in _SHAPE.items())
        ]
        lines = ",\n".join(f"    {json.dumps(row)}" for row in [*fresh, *kept])
        file.write_text(f'{{\n  "about": {json.dumps(recorded["about"])},\n  "drills": [\n{lines}\n  ]\n}}\n')


def _told(seen: Mapping[str, Seen]) -> str:
    if not any(each.failed for each in seen.values()):
        return "0 s"
    return ", ".join(f"{place} {each}" for place, each in seen.items())


def _month() -> str:
    return time.strftime("%Y-%m")
