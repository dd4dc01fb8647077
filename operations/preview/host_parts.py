"""The part of a comment that shows which lines change on which machines. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from operations.preview.budget import Part
from operations.preview.node_lines import FileChange
from operations.preview.review import Review

_NAMES_SHOWN: Final = 12


def host_parts(review: Review, most: int) -> Iterator[Part]:
    """One folded part per file and change, `most` of them: machines with the same changes are grouped."""
    alike: dict[tuple[str, tuple[str, ...]], list[tuple[str, FileChange]]] = {}
    unknown = []
    for change in review.changes.values():
        if change.unknown:
            unknown.append(change.machine)
        for file in change.files:
            alike.setdefault((file.path, _comparable(file)), []).append((change.machine, file))
    if not alike and not unknown:
        return
    yield Part(("", "### Lines that change on machines"))
    if unknown:
        yield Part(("", f"Known only when it is applied, on {_names(unknown)}: their input depends on new resources."))
    ordered = sorted(alike.items(), key=lambda item: _importance(item[0][0]))
    for (path, _), changes in ordered[:most]:
        machines = [machine for machine, _ in changes]
        shown, file = min(changes, key=lambda change: _natural(change[0]))
        lines = _unnumbered(file)
        added = sum(line.startswith("+") for line in lines)
        removed = sum(line.startswith("-") for line in lines)
        where = f", on {_names(machines)}" if any(machines) else ""
        where += f"; as on {shown}" if any(_unnumbered(other) != lines for _, other in changes) else ""
        fence = "`" * max(3, 1 + max((len(run) for line in lines for run in re.findall("`+", line)), default=0))
        yield Part(
            ("", f"<details><summary><code>{path}</code> +{added} -{removed}{where}</summary>", "", f"{fence}diff"),
            lines,
            (fence, "", "</details>"),
            fenced=True,
        )
    if len(ordered) > most:
        yield Part(("", f"{len(ordered) - most} more changes of files: see the full text among this run's artifacts."))


def _comparable(file: FileChange) -> tuple[str, ...]:
    """The lines that change, without those around them: addresses there differ from machine to machine."""
    return tuple(line for line in _unnumbered(file) if not line.startswith(" "))


def _unnumbered(file: FileChange) -> tuple[str, ...]:
    """The lines, without the line numbers that differ from machine to machine."""
    return tuple("@@" if line.startswith("@@ ") else line for line in file.lines)


def _names(machines: list[str]) -> str:
    names = sorted(dict.fromkeys(name for name in machines if name), key=_natural)
    more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    return ", ".join(names[:_NAMES_SHOWN]) + more


def _natural(name: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"([0-9]+)", name)]


def _importance(path: str) -> tuple[int, str]:
    """kubeadm's documents first, then units and settings, then scripts."""
    for rank, mark in enumerate(("kubeadm", "node.env", ".service", "/etc/", "(")):
        if mark in path:
            return rank, path
    return 9, path
