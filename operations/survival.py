"""What a cluster survives: the quorum table, and for each failure what stops and for how long. Pure.

Whether the API stays up is computed from the topology; how long a stop lasts is known from drills of the same shape
where there are any, and otherwise by what ends it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from components.settings.model import EtcdTopology
from components.settings.quorum import quorum, tolerated_losses
from components.timings import API_HEALTH_CHECK
from pricing.tables import Drill
from pricing.topology import Kind, Topology, TopologyMachine

_STAYS_UP = "stays up"
_FAILED_CHECKS = (
    f"{API_HEALTH_CHECK.unhealthy_threshold} health checks have failed ({API_HEALTH_CHECK.notices_after} s) and the "
    "load balancer acts on it (up to two minutes later at AWS)"
)
_STOPS = "stops"
_PODS_KEEP_RUNNING = "keep running; nothing is scheduled, healed or scaled while the API stops"


@dataclass(frozen=True)
class QuorumRow:
    """How many members a majority is, and how many may be lost."""

    members: int
    majority: int
    losses: int
    here: bool


@dataclass(frozen=True)
class Outcome:
    """What follows from a failure. `api` says whether it takes writes, `measured` what a drill of this shape took."""

    failure: str
    api: str
    how_long: str
    workloads: str
    remedy: str
    measured: str = ""
    source: str = ""

    @property
    def api_stops(self) -> bool:
        return self.api.startswith(_STOPS)


def quorum_table(members: int) -> tuple[QuorumRow, ...]:
    """1 to 9 members, with the row of this cluster marked."""
    return tuple(QuorumRow(n, quorum(n), tolerated_losses(n), n == members) for n in range(1, 10))


def outcomes(topology: Topology, drills: tuple[Drill, ...]) -> tuple[Outcome, ...]:
    """What each failure does to this cluster, in the order of how often they happen."""
    shape = (len(topology.control_planes), str(topology.etcd), len(topology.members))
    fitting = {d.failure: d for d in drills if (d.control_planes, d.topology, d.members) == shape}
    found = []
    for key, outcome in _outcomes(topology):
        drill = fitting.get(key)
        if drill:
            outcome = Outcome(
                outcome.failure, outcome.api, outcome.how_long, outcome.workloads, outcome.remedy,
                drill.took, f"{drill.source} ({drill.recorded})",
            )  # fmt: skip
        found.append(outcome)
    return tuple(found)


def _outcomes(topology: Topology) -> Iterator[tuple[str, Outcome]]:
    yield from _control_plane(topology)
    yield from _etcd(topology)
    yield from _zone(topology)
    yield from _two(topology)
    yield from _lost(topology)
    yield from _around(topology)


def _control_plane(topology: Topology) -> Iterator[tuple[str, Outcome]]:
    several = len(topology.control_planes) > 1
    first = topology.control_planes[0]
    balanced = f"connections to it break, new ones until {_FAILED_CHECKS}"
    yield (
        "api-server-stopped",
        Outcome(
            "an API server stops",
            _STAYS_UP if several else _STOPS,
            balanced if several else "until the kubelet has started it again",
            "keep running",
            "none: the kubelet starts it again",
        ),
    )
    yield (
        "control-plane-machine-lost",
        Outcome(
            _named("a control-plane machine is lost", first),
            _without(topology, first),
            balanced if topology.serves_without(frozenset({first.name})) else "until `pulumi up` has brought it back",
            _pods_without_a_control_plane(topology, several),
            "`pulumi refresh`, `pulumi up`: the same machine comes back with its disk and address",
        ),
    )


def _etcd(topology: Topology) -> Iterator[tuple[str, Outcome]]:
    member = topology.members[0]
    alone = len(topology.members) == 1
    elected = "until another leader is elected: about one election timeout"
    if topology.etcd is EtcdTopology.EXTERNAL:
        yield (
            "etcd-machine-lost",
            Outcome(
                _named("an etcd machine is lost", member),
                _without(topology, member),
                elected,
                "keep running",
                "`pulumi refresh`, `pulumi up`: the same member comes back with its data",
            ),
        )
    yield (
        "etcd-leader-lost",
        Outcome(
            "the leader of etcd is lost",
            _without(topology, member),
            "until etcd is back" if alone else elected,
            _PODS_KEEP_RUNNING if alone else "keep running",
            "none if the machine is alive: etcd is started again",
        ),
    )
    yield (
        "etcd-disk-lost",
        Outcome(
            "the disk of an etcd member is lost",
            _without(topology, member),
            "until the data is restored" if alone else elected,
            _PODS_KEEP_RUNNING if alone else "keep running",
            _restored(topology)
            if alone
            else "`pulumi up`, with the others healthy: the member joins again with a new disk",
        ),
    )


def _zone(topology: Topology) -> Iterator[tuple[str, Outcome]]:
    worst = [zone for zone in range(topology.zones) if not topology.serves_without(topology.in_zone(zone))]
    if topology.zones == 1:
        how = "until the zone is back: everything is in it"
    elif worst:
        how = f"while zone {', '.join(str(zone + 1) for zone in worst)} is down; the loss of another one is survived"
    else:
        how = "some seconds, until hanging connections are given up"
    pods = "those in the zone start again elsewhere after about 5 minutes" if topology.zones > 1 else "stop"
    yield (
        "zone-cut-off",
        Outcome(
            "a zone is cut off",
            _STOPS if worst else _STAYS_UP,
            how,
            pods
            if topology.nat_gateways != 1 or topology.zones == 1
            else f"{pods}; without zone 1 none reaches the internet",
            "none: machines and members come back with the zone",
        ),
    )


def _two(topology: Topology) -> Iterator[tuple[str, Outcome]]:
    if len(topology.members) < 2:
        return
    pair = frozenset(machine.name for machine in topology.members[:2])
    goes_on = topology.serves_without(pair)
    yield (
        "two-members-lost",
        Outcome(
            "two members of etcd are lost",
            _STAYS_UP if goes_on else _STOPS,
            "one election" if goes_on else f"until {topology.majority} of {len(topology.members)} are back",
            "keep running" if goes_on else _PODS_KEEP_RUNNING,
            "bring one back: nothing is lost" if not goes_on else "bring them back one by one",
        ),
    )


def _lost(topology: Topology) -> Iterator[tuple[str, Outcome]]:
    """What more members don't help against."""
    if len(topology.members) > 1:
        yield (
            "all-data-lost",
            Outcome(
                "all members of etcd lose their data",
                _STOPS,
                "until the data is restored",
                _PODS_KEEP_RUNNING,
                _restored(topology),
            ),
        )
    yield (
        "objects-deleted",
        Outcome(
            "objects are deleted by mistake",
            _STAYS_UP,
            "not at all",
            "those that are deleted stop",
            _restored(topology, "make them again"),
        ),
    )


def can_be_lost(topology: Topology) -> str:
    """What snapshots change, in a sentence: what is gone with etcd's data, or when somebody deletes objects."""
    found = topology.snapshots
    if found is None:
        return "all that etcd holds, as no snapshots are taken."
    return f"at most {found.lost_minutes:,} minutes of changes; the last snapshot has all before."


def _restored(topology: Topology, else_do: str = "make a new cluster") -> str:
    if topology.snapshots is None:
        return f"no snapshots are taken: {else_do}"
    return f"restore the last snapshot: at most {topology.snapshots.lost_minutes:,} minutes of changes are lost"


def _around(topology: Topology) -> Iterator[tuple[str, Outcome]]:
    if topology.load_balancers:
        yield (
            "target-flapping",
            Outcome(
                "a target of the load balancer flaps",
                _STAYS_UP,
                f"single requests fail until {_FAILED_CHECKS}",
                "keep running",
                "see why /readyz fails on that machine",
            ),
        )
    if topology.pools:
        yield (
            "worker-lost",
            Outcome(
                "a worker is lost",
                _STAYS_UP,
                "not at all",
                "its pods start elsewhere: 50 s until the node is NotReady, then 5 minutes of tolerance",
                "none: its group starts another, which joins by itself",
            ),
        )
    if topology.nat_gateways:
        private = "all machines" if topology.nat_gateways == 1 else "the machines of its zone"
        yield (
            "nat-lost",
            Outcome(
                "a NAT gateway is lost",
                _STAYS_UP,
                "not at all",
                f"keep running, but {private} reach no registry and no AWS API",
                "none: AWS restores the gateway in its zone",
            ),
        )
    if topology.of(Kind.BASTION):
        yield (
            "bastion-lost",
            Outcome(
                "the bastion is lost", _STAYS_UP, "not at all", "keep running", "`pulumi up`; until then no SSH login"
            ),
        )


def _without(topology: Topology, machine: TopologyMachine) -> str:
    return _STAYS_UP if topology.serves_without(frozenset({machine.name})) else _STOPS


def _named(failure: str, machine: TopologyMachine) -> str:
    return (
        f"{failure}, with its etcd member" if machine.holds_member and machine.kind is Kind.CONTROL_PLANE else failure
    )


def _pods_without_a_control_plane(topology: Topology, several: bool) -> str:
    others = "keep running" if several else _PODS_KEEP_RUNNING
    if not topology.schedulable_control_plane:
        return others
    return "its own pods are gone" if several else f"{others}; its own pods are gone"
