"""Which availability zones a cluster stands in: it keeps those that it has, whatever AWS lists later. Pure.

Zones have numbers, from 0: a zone's name is part of no other name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from components.plan import Plan
from components.settings.model import NetworkSettings, Settings
from components.settings.problems import Problem
from components.settings.rules.facts import NAMESPACE, problem


def moved(settings: Settings, there: Mapping[int, str], living: Settings | None = None) -> Iterator[Problem]:
    """What the settings would move of a cluster that stands in the zones `there`, made with `living`."""
    for number, name in enumerate(settings.network.zone_names):
        if there.get(number, name) != name:
            yield Problem(
                f"{NAMESPACE}:network.zoneNames[{number}]",
                f"{name!r} instead of {there[number]!r}",
                f"Change it back to {there[number]}: the cluster's subnets and disks are there, and can't move. Zones "
                "can only be added, after those that it has.",
            )
    if living:
        before = {machine.name: machine.zone for machine in Plan(living).machines}
        others = [m.name for m in Plan(settings).machines if before.get(m.name, m.zone) != m.zone]
        if others:
            yield Problem(
                f"{NAMESPACE}:network.zones",
                f"{settings.network.zones} instead of {living.network.zones}",
                f"Change it back to {living.network.zones}: with more zones {', '.join(others)} would have to move "
                "to another one, and addresses and disks can't; make a new cluster.",
            )


def added(network: NetworkSettings, there: Mapping[int, str]) -> tuple[int, ...]:
    """The zones, by number, that a cluster in the zones `there` lacks."""
    return tuple(number for number in range(network.zones) if number not in there)


def unavailable(network: NetworkSettings, there: Mapping[int, str], listed: Sequence[str]) -> Iterator[Problem]:
    """What of the zones to add is not among those that AWS has `listed` as available."""
    free, wanted = [zone for zone in listed if zone not in there.values()], added(network, there)
    if network.zone_names:
        for number in wanted:
            if network.zone_names[number] not in listed:
                yield problem(
                    f"network.zoneNames[{number}]",
                    network.zone_names[number],
                    f"Choose a zone that is available: the region has {', '.join(listed)}.",
                )
    elif len(free) < len(wanted):
        yield problem(
            "network.zones",
            network.zones,
            f"Choose {network.zones - len(wanted) + len(free)} or fewer: the region has "
            f"{', '.join(sorted({*listed, *there.values()}))}.",
        )


def zones_of(
    network: NetworkSettings,
    there: Mapping[int, str],
    listed: Sequence[str],
    lacking: Callable[[str], tuple[int, int]],
) -> tuple[str, ...]:
    """The zones in order: those `there`, those that are named, else those of the `listed` that are `lacking` least."""
    free = sorted((zone for zone in listed if zone not in there.values()), key=lambda zone: (lacking(zone), zone))
    names = network.zone_names or dict(zip(added(network, there), free, strict=False))
    return tuple(there.get(number) or names[number] for number in range(network.zones))
