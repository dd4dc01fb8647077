"""What each kind of machine needs of its machine type, and whether AWS's types have it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from components.plan import Plan, Role
from components.settings.machines import EtcdSettings
from components.settings.problems import Problem, shown
from components.settings.rules.facts import NAMESPACE
from components.settings.suggestions import did_you_mean

# Where Debian publishes its newest machine image, and what its images are.
IMAGE_PARAMETER: Final = "/aws/service/debian/release/12/latest/amd64"
ROOT_DEVICE: Final = "/dev/xvda"
ARCHITECTURE: Final = "x86_64"
VIRTUALIZATION: Final = "hvm"
_DEFAULT_QUOTA_MIB: Final = EtcdSettings.quota_mib


@dataclass(frozen=True)
class Needs:
    """The least that a machine's type must have, and why."""

    cpus: int
    memory_mib: int
    why: str
    example: str = "t3.medium"


NEEDS: Final[Mapping[Role, Needs]] = {
    Role.CONTROL_PLANE: Needs(2, 2048, "kubeadm asks for 2 CPUs and 1700 MB"),
    Role.ETCD: Needs(1, 2048, "a member's data may grow to 2 GiB, in memory, too"),
    Role.WORKER: Needs(1, 1024, "with less a node's own parts have no room"),
    Role.BASTION: Needs(1, 512, "with less Debian has no room"),
}


@dataclass(frozen=True)
class WantedType:
    """A machine type of the settings: where they name it, for which role, in which zones (from 0).

    `everywhere`: each of the zones gets a machine of it; a pool makes do with those that have it. `etcd_quota_mib` is
    how much data a member of etcd on it may have, 0 where there is none.
    """

    key_path: str
    name: str
    role: Role
    zones: frozenset[int]
    everywhere: bool = True
    etcd_quota_mib: int = 0


@dataclass(frozen=True)
class MachineType:
    """What AWS says of a machine type."""

    cpus: int
    memory_mib: int
    architectures: frozenset[str]
    virtualizations: frozenset[str]


@dataclass(frozen=True)
class Offers:
    """What AWS has in a region: the zones, by number; for each wanted type its zones, and what it is. `all_names` are
    looked at where one is offered nowhere."""

    zones: tuple[str, ...]
    offered: Mapping[str, frozenset[str]]
    types: Mapping[str, MachineType]
    all_names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """A problem with a machine type; `refused`, or else only worth saying."""

    problem: Problem
    refused: bool


def wanted_types(plan: Plan) -> tuple[WantedType, ...]:
    """The machine types of a plan."""
    settings = plan.settings
    named = [
        (f"{NAMESPACE}:controlPlane.instanceType", plan.control_planes),
        (f"{NAMESPACE}:etcd.instanceType", plan.etcd_machines),
        (f"{NAMESPACE}:access.bastion", (plan.bastion,) if plan.bastion else ()),
    ]
    return (
        *(
            WantedType(
                path,
                machines[0].instance_type,
                machines[0].role,
                frozenset(each.zone for each in machines),
                etcd_quota_mib=settings.etcd.quota_mib if machines[0].etcd_volume_gib else 0,
            )
            for path, machines in named
            if machines
        ),
        *(
            WantedType(
                f"{NAMESPACE}:workers[{number}].instanceType",
                pool.instance_type,
                Role.WORKER,
                frozenset(plan.pool_zones(pool)),
                everywhere=False,
            )
            for number, pool in enumerate(settings.workers)
        ),
    )


def judged(wanted: Iterable[WantedType], offers: Offers, living: Iterable[WantedType] = ()) -> Iterator[Verdict]:
    """What is wrong with the machine types. One that the `living` cluster has in the same role is never refused, unless
    it now has to hold more."""
    there = {(one.role, one.name, one.etcd_quota_mib) for one in living}
    for one in wanted:
        problem, unusable = _problem(one, offers)
        if problem:
            yield Verdict(problem, unusable and (one.role, one.name, one.etcd_quota_mib) not in there)


def lacking(wanted: Iterable[WantedType], offered: Mapping[str, frozenset[str]], zone: str) -> tuple[int, int]:
    """How many types a zone has not: of those that each zone needs, and of pools', which make do with others."""
    missing = [one for one in wanted if zone not in offered.get(one.name, ())]
    return sum(one.everywhere for one in missing), len(missing)


def _problem(one: WantedType, offers: Offers) -> tuple[Problem | None, bool]:
    """What is wrong with a type, and whether that makes it unusable."""
    offered = offers.offered.get(one.name, frozenset())
    if not offered:
        hint = did_you_mean(one.name, offers.all_names)
        remedy = f"Choose a machine type that this region has: it has none of this name.{hint}"
        return Problem(one.key_path, shown(one.name), remedy), True
    lacking = _lacking(one, offers.types.get(one.name))
    if lacking:
        return Problem(one.key_path, f"{shown(one.name)}, {lacking[0]}", lacking[1]), True
    zones = {offers.zones[zone] for zone in one.zones}
    missing = sorted(zones - offered)
    if not missing:
        return None, False
    where = f"not offered in {', '.join(missing)}"
    remedy = (
        "Choose a type that each of these zones has."
        if one.everywhere
        else "Choose another type, or in the pool's zones those that have it."
    )
    return Problem(one.key_path, f"{shown(one.name)}, {where}", remedy), one.everywhere or not zones & offered


def _lacking(one: WantedType, kind: MachineType | None) -> tuple[str, str] | None:
    """What a type has instead of what its role needs, and what to choose."""
    if kind is None:
        return None
    if ARCHITECTURE not in kind.architectures:
        return (
            f"which is {', '.join(sorted(kind.architectures))}",
            f"Choose a type of {ARCHITECTURE}, such as t3.medium: the machine images are of no other architecture.",
        )
    if VIRTUALIZATION not in kind.virtualizations:
        return (
            f"which has {', '.join(sorted(kind.virtualizations))} virtualization",
            f"Choose a current type, such as t3.medium: the machine images need {VIRTUALIZATION} virtualization.",
        )
    needs = _needs(one)
    least = f"{needs.cpus} CPU{'' if needs.cpus == 1 else 's'} and {needs.memory_mib:,} MiB"
    if kind.cpus < needs.cpus or kind.memory_mib < needs.memory_mib:
        return (
            f"which has {kind.cpus} CPU{'' if kind.cpus == 1 else 's'} and {kind.memory_mib:,} MiB",
            f"Choose a type with at least {least}, such as {needs.example}: {needs.why}.",
        )
    return None


def _needs(one: WantedType) -> Needs:
    needs = NEEDS[one.role]
    # All of a member's data is in memory, too. Machines of the default's size have run with the default ever since.
    if one.etcd_quota_mib <= _DEFAULT_QUOTA_MIB:
        return needs
    return Needs(
        needs.cpus,
        one.etcd_quota_mib + needs.memory_mib,
        f"etcd.quotaMib is {one.etcd_quota_mib}, in memory, too",
        "m7i.xlarge",
    )
