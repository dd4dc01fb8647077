"""Rules about worker pools. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from components.settings.model import WorkerPoolSettings
from components.settings.problems import Problem
from components.settings.rules.facts import Facts, Rule, problem

MOST_NODES: Final = 5000


def _sound_pools(facts: Facts, *keys: str) -> Iterable[tuple[int, WorkerPoolSettings]]:
    for number, pool in enumerate(facts.settings.workers):
        if all(facts.sound(f"workers[{number}].{key}") for key in keys):
            yield number, pool


def names_differ(facts: Facts) -> Iterable[Problem]:
    """No two pools of one name."""
    first: dict[str, int] = {}
    for number, pool in _sound_pools(facts, "name"):
        if pool.name in first:
            yield problem(
                f"workers[{number}].name",
                pool.name,
                f"Choose another name: workers[{first[pool.name]}] has it already, and pools are identified by name.",
            )
        first.setdefault(pool.name, number)


def bounds_are_ordered(facts: Facts) -> Iterable[Problem]:
    """No pool whose fewest is more than its most."""
    for number, pool in _sound_pools(facts, "minimum", "maximum"):
        if pool.minimum > pool.maximum:
            yield problem(
                f"workers[{number}].minimum",
                pool.minimum,
                f"Choose at most {pool.maximum}, the pool's maximum, or raise that.",
            )


def cluster_is_not_too_large(facts: Facts) -> Iterable[Problem]:
    """Kubernetes is tested up to 5,000 nodes."""
    nodes = facts.settings.control_plane.count + sum(pool.maximum for pool in facts.settings.workers)
    if nodes > MOST_NODES and facts.settings.workers:
        yield problem(
            "workers",
            f"{nodes} nodes at most, including the control plane",
            f"Lower the pools' maximum until the sum is {MOST_NODES}: Kubernetes isn't tested beyond that.",
        )


def zones_exist(facts: Facts) -> Iterable[Problem]:
    """Pools name only zones that the network has."""
    zones = facts.settings.network.zones
    for number, pool in _sound_pools(facts, "zones"):
        for position, zone in enumerate(pool.zones):
            if not 1 <= zone <= zones:
                yield problem(
                    f"workers[{number}].zones[{position}]",
                    zone,
                    f"Name a zone from 1 to {zones}, or raise network.zones.",
                )


def taints_differ(facts: Facts) -> Iterable[Problem]:
    """No pool says two things of one taint: Kubernetes knows a taint by key and effect."""
    for number, pool in _sound_pools(facts, "taints"):
        seen = set()
        for position, taint in enumerate(pool.taints):
            if (taint.key, taint.effect) in seen:
                yield problem(
                    f"workers[{number}].taints[{position}]",
                    f"{taint.key}:{taint.effect}",
                    "Remove it: the pool already has a taint with this key and effect.",
                )
            seen.add((taint.key, taint.effect))


RULES: Final = (
    Rule((), names_differ),
    Rule((), bounds_are_ordered),
    Rule(("workers", "controlPlane.count"), cluster_is_not_too_large),
    Rule(("network.zones",), zones_exist),
    Rule((), taints_differ),
)
