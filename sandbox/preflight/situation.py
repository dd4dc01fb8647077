"""What the rules know of the host, as plain values; `detect` fills them in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Room:
    """Free bytes of the file system that holds a folder; `device` tells file systems apart."""

    free: int
    device: int


@dataclass(frozen=True)
class ControlGroups:
    """`version` is 2 where the unified hierarchy is mounted alone, else 1, or 0 where nothing is mounted.

    `controllers` are those that a container here can be given: the root's with version 2, the mounted ones with 1.
    """

    version: int
    controllers: frozenset[str]


@dataclass(frozen=True)
class Situation:
    """The host as it is. `go` and its `go_toolchain` (GOTOOLCHAIN) are empty where there is no Go.

    `rooms` by what is to be written there. `refusals` says, by what was tried, how the kernel refused it; None where
    nothing was tried, because that needs root.
    """

    root: bool
    go: str
    go_toolchain: str
    missing_packages: tuple[str, ...]
    apt: bool
    rooms: Mapping[str, tuple[Path, Room]]
    control_groups: ControlGroups
    refusals: Mapping[str, str] | None


@dataclass(frozen=True)
class Work:
    """What is to be built on this host: tools, by name, with the Go release that they ask for; image; packages."""

    tools: tuple[str, ...]
    go: str
    image: bool
    site: bool
