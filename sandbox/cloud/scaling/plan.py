"""Which instances a group launches and which it ends (pure)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """A subnet that the group may launch into."""

    subnet_id: str
    zone: str


@dataclass(frozen=True)
class Member:
    """An instance that counts towards the desired number; `launched_at` in seconds, `outdated` against the template."""

    id: str
    subnet_id: str
    zone: str
    launched_at: float
    outdated: bool = False


@dataclass(frozen=True)
class Plan:
    launch: tuple[Place, ...] = ()
    terminate: tuple[str, ...] = ()


def plan(wanted: int, places: Sequence[Place], members: Iterable[Member]) -> Plan:
    """What brings a group to `wanted` instances, spread over the zones."""
    present = list(members)
    if len(present) < wanted:
        return Plan(launch=_launches(wanted - len(present), places, present))
    if len(present) > wanted:
        ends = in_order_of_end(present)[: len(present) - wanted]
        return Plan(terminate=tuple(member.id for member in ends))
    return Plan()


def in_order_of_end(members: Iterable[Member]) -> list[Member]:
    """The first to end first, each choice made after the ones before it."""
    left, order = list(members), []
    while left:
        chosen = min(_in_fullest_zone(left), key=lambda member: _rank(member))
        order.append(chosen)
        left.remove(chosen)
    return order


def _launches(number: int, places: Sequence[Place], present: list[Member]) -> tuple[Place, ...]:
    chosen: list[Place] = []
    for _ in range(number):
        place = min(places, key=lambda place: _load(place, present))
        chosen.append(place)
        present.append(Member(f"new-{len(chosen)}", place.subnet_id, place.zone, 0.0))
    return tuple(chosen)


def _load(place: Place, present: list[Member]) -> tuple[int, int]:
    """How many are in the zone and in the subnet; the order of `places` decides between equals."""
    return (
        sum(member.zone == place.zone for member in present),
        sum(member.subnet_id == place.subnet_id for member in present),
    )


def _in_fullest_zone(members: list[Member]) -> list[Member]:
    number_in = Counter(member.zone for member in members)
    most = max(number_in.values())
    return [member for member in members if number_in[member.zone] == most]


def _rank(member: Member) -> tuple[bool, float, str]:
    return (not member.outdated, member.launched_at, member.id)
