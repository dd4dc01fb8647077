"""In which order steps run, and which machines may pause at the same time. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

from operations.preview.digest import Step
from operations.preview.effects import Effect, Impact
from pricing.topology import Topology


def ranks(steps: Sequence[Step], counted: frozenset[str]) -> Mapping[str, int]:
    """For each of the `counted` URNs the number of counted steps that must be done before it, at the longest."""
    needs = {step.urn: step.needs for step in steps}
    known: dict[str, int] = {}
    for start in needs:
        stack, entered = [start], {start}
        while stack:
            urn = stack[-1]
            waiting = next((n for n in needs[urn] if n in needs and n not in known and n not in entered), None)
            if waiting is not None:
                stack.append(waiting)
                entered.add(waiting)
                continue
            stack.pop()
            before = [known[need] + (need in counted) for need in needs[urn] if need in known]
            known[urn] = max(before, default=0)
    return {urn: known[urn] for urn in counted if urn in known}


def together(steps: Sequence[Step], effects: Mapping[str, Effect], topology: Topology) -> frozenset[str]:
    """The fewest machines that may pause at the same time and stop the API; empty when no such pause is possible.

    Two machines may pause together when a pausing step of the one neither waits for one of the other, nor takes the
    same lock.
    """
    pausing: dict[str, list[str]] = {}
    known = {machine.name for machine in topology.machines}
    for urn, found in effects.items():
        if found.impact is Impact.MACHINE and found.machine in known:
            pausing.setdefault(found.machine, []).append(urn)
    needs = {step.urn: step.needs for step in steps}
    reach = {urn: _reachable(needs, urn) for urns in pausing.values() for urn in urns}

    def in_order(one: str, other: str) -> bool:
        lock = effects[one].lock
        return one in reach[other] or other in reach[one] or bool(lock and lock == effects[other].lock)

    def apart(first: str, second: str) -> bool:
        return all(in_order(one, other) for one in pausing[first] for other in pausing[second])

    for size in range(1, len(pausing) + 1):
        for chosen in combinations(sorted(pausing), size):
            pairs = combinations(chosen, 2)
            if not topology.serves_without(frozenset(chosen)) and not any(apart(*pair) for pair in pairs):
                return frozenset(chosen)
    return frozenset()


def _reachable(needs: Mapping[str, frozenset[str]], start: str) -> set[str]:
    """All that `start` waits for."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        for need in needs.get(waiting.pop(), ()):
            if need not in found:
                found.add(need)
                waiting.append(need)
    return found
