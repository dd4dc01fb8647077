"""The figures that reports are made with: prices, sizes, drills. Data files with their date and source. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final

_CPUS: Final = {"nano": 2, "micro": 2, "small": 2, "medium": 2, "large": 2, "xlarge": 4}
_BURSTABLE_GIB: Final = {"nano": 0.5, "micro": 1, "small": 2, "medium": 4, "large": 8}
_GIB_PER_CPU: Final = {"m": 4.0, "c": 2.0, "r": 8.0, "t": 4.0}


@dataclass(frozen=True)
class Prices:
    """List prices of one region in USD; `recorded` is the month in which they were written down."""

    region: str
    recorded: str
    source: str
    hours_per_month: int
    instance_hour: Mapping[str, float]
    other: Mapping[str, float]

    def instance_month(self, instance_type: str) -> float | None:
        """A machine for a month, or None for a type that the table lacks."""
        hour = self.instance_hour.get(instance_type)
        return None if hour is None else hour * self.hours_per_month

    def monthly(self, name: str) -> float:
        """What `name` costs for a month: `…_hour` figures are multiplied, `…_month` ones are as they are."""
        figure = self.other[name]
        return figure * self.hours_per_month if name.endswith("_hour") else figure


@dataclass(frozen=True)
class Drill:
    """A failure that was tried on a cluster of some shape; `took` says how long a client failed, in words."""

    failure: str
    control_planes: int
    topology: str
    members: int
    took: str
    source: str
    recorded: str


@dataclass(frozen=True)
class Size:
    """What a machine needs for up to `nodes` nodes."""

    nodes: int
    cpus: int
    memory_gib: int
    example: str
    iops: int = 0


def prices(region: str) -> Prices | None:
    """The prices of a region, or None where the table has none."""
    table = _data("prices.json")
    entry = table["regions"].get(region)
    if entry is None:
        return None
    other = {key: value for key, value in entry.items() if isinstance(value, int | float)}
    return Prices(region, entry["recorded"], entry["source"], table["hours_per_month"], entry["instance_hour"], other)


def priced_regions() -> tuple[str, ...]:
    return tuple(_data("prices.json")["regions"])


def drills() -> tuple[Drill, ...]:
    return tuple(Drill(**entry) for entry in _data("measurements.json")["drills"])


def limits() -> Mapping[str, Any]:
    """nodes, pods, containers, pods_per_node, and the source of these."""
    found: Mapping[str, Any] = _data("sizes.json")["limits"]
    return found


def control_plane_sizes() -> tuple[Size, ...]:
    return tuple(
        Size(row["nodes"], row["cpus"], row["cpus"] * 4, row["example"])
        for row in _data("sizes.json")["control_plane"]["rows"]
    )


def etcd_sizes() -> tuple[Size, ...]:
    return tuple(Size(**row) for row in _data("sizes.json")["etcd"]["rows"])


def size_source(kind: str) -> str:
    """Where the sizes of `control_plane` or `etcd` come from."""
    return str(_data("sizes.json")[kind]["source"])


def cpus(instance_type: str) -> int | None:
    """Virtual CPUs of an instance type, by its size; None for sizes that say nothing (metal)."""
    family, _, size = instance_type.partition(".")
    if size in _CPUS:
        return 1 if size == "medium" and not family.startswith("t") else _CPUS[size]
    number = size.removesuffix("xlarge")
    return 4 * int(number) if number.isdigit() and number != size else None


def memory_gib(instance_type: str) -> float | None:
    """Memory of an instance type of the families m, c, r and t; None for others."""
    family, _, size = instance_type.partition(".")
    count = cpus(instance_type)
    if count is None or family[:1] not in _GIB_PER_CPU or not family[1:2].isdigit():
        return None
    if family.startswith("t") and size in _BURSTABLE_GIB:
        return float(_BURSTABLE_GIB[size])
    return count * _GIB_PER_CPU[family[0]]


def burstable(instance_type: str) -> bool:
    """Whether the CPU is lent by credits."""
    return instance_type[:1] == "t" and instance_type[1:2].isdigit()


@cache
def _data(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((resources.files("pricing.data") / name).read_text())
    return loaded
