"""Majority, now, through this change, and without any one zone. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from components.settings.quorum import quorum, tolerated_losses, why_not_even
from policies.machines import CONTROL_PLANE, SUBNET, DeclaredMachine, exists, is_new, machines, voters, zone
from policies.model import Context, Finding, Severity, Stack, StackRule
from policies.values import at

# Below three there is no majority that could outlive a loss.
_SMALLEST_QUORUM = 3


def _names(found: Iterable[DeclaredMachine]) -> str:
    return ", ".join(machine.name for machine in found)


def odd_members(stack: Stack, context: Context) -> Iterable[Finding]:
    members = [machine for machine in voters(stack) if machine.kind != CONTROL_PLANE]
    if members and len(members) % 2 == 0:
        yield Finding(
            f"etcd has {len(members)} members: {_names(members)}. {_capital(why_not_even(len(members)))}.",
            "set quorate:etcd.members to 3 or 5.",
        )


def odd_control_planes(stack: Stack, context: Context) -> Iterable[Finding]:
    found = [machine for machine in machines(stack) if machine.kind == CONTROL_PLANE]
    if found and len(found) % 2 == 0:
        yield Finding(
            f"there are {len(found)} control-plane machines: {_names(found)}.",
            "set quorate:controlPlane.count to 1, 3 or 5.",
        )


def _lived(stack: Stack) -> bool:
    """Whether the cluster has been there before: objects in it are known."""
    return any(
        isinstance(at(resource.outputs, "metadata", "uid"), str)
        for resource in stack.resources
        if resource.type.startswith("kubernetes:")
    )


def _replaced(stack: Stack) -> list[DeclaredMachine]:
    """Machines with a new instance on a disk or an address that is there already, in a cluster that has lived."""
    if not _lived(stack):
        return []
    return [
        machine
        for machine in machines(stack)
        if is_new(machine.instance) and any(exists(part) for part in (*machine.volumes, *machine.interfaces))
    ]


def one_at_a_time(stack: Stack, context: Context) -> Iterable[Finding]:
    replaced = _replaced(stack)
    if len(replaced) > 1:
        yield Finding(
            f"this update puts new instances in place of {len(replaced)} machines: {_names(replaced)}.",
            "replace them one after the other, with `pulumi up --target` for each and a healthy cluster in between. If "
            "they are already lost, exempt this update and give that as the reason.",
        )


def quorum_through_change(stack: Stack, context: Context) -> Iterable[Finding]:
    members = voters(stack)
    leaving = [machine for machine in _replaced(stack) if machine in members]
    if len(members) < _SMALLEST_QUORUM or not leaving:
        return
    staying = [machine for machine in members if not is_new(machine.instance)]
    # Members that are added take nothing away: etcd asks them only when they have caught up.
    now = len(staying) + len(leaving)
    if len(staying) < quorum(now):
        yield Finding(
            f"of {now} members, {len(staying)} stay untouched while this update runs "
            f"({_names(staying) or 'none'}); a majority is {quorum(now)}.",
            f"replace at most {tolerated_losses(now)} of them in one update: undo the rest of the change, or choose "
            "machines with `pulumi up --target`.",
        )


def _by_zone(stack: Stack, members: Iterable[DeclaredMachine]) -> Counter[str] | None:
    """How many stand in each zone; None while one's zone is unknown."""
    places = [zone(stack, member) for member in members]
    return None if None in places else Counter(place for place in places if place is not None)


def quorum_without_a_zone(stack: Stack, context: Context) -> Iterable[Finding]:
    members = voters(stack)
    places = _by_zone(stack, members)
    if len(members) < _SMALLEST_QUORUM or not places:
        return
    fullest, there = places.most_common(1)[0]
    if len(members) - there < quorum(len(members)):
        yield Finding(
            f"{there} of {len(members)} members of etcd are in zone {fullest}: without it "
            f"{len(members) - there} are left, and a majority is {quorum(len(members))}.",
            "set quorate:network.zones to 3, so that no zone holds more members than may be lost.",
        )


def spread(stack: Stack, context: Context) -> Iterable[Finding]:
    available = {name for subnet in stack.of_type(SUBNET) if isinstance(name := subnet.get("availabilityZone"), str)}
    everything = machines(stack)
    for kind in sorted({machine.kind for machine in everything}):
        found = [machine for machine in everything if machine.kind == kind]
        places = _by_zone(stack, found)
        if places is None or len(found) == 1:
            continue
        wanted = min(len(found), len(available))
        uneven = max(places.values()) - min(places.values()) > 1
        if len(places) < wanted or uneven:
            shown = ", ".join(f"{count} in {name}" for name, count in sorted(places.items()))
            yield Finding(
                f"{kind} machines: {shown}; the network has zones {', '.join(sorted(available))}.",
                "place machine N in zone N modulo the number of zones.",
            )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


RULES = (
    StackRule(
        "etcd-member-count-is-odd",
        "etcd has an odd number of members.",
        "every write needs a majority of members, and an even count survives no more losses than the odd one below.",
        Severity.HIGH,
        check=odd_members,
    ),
    StackRule(
        "control-plane-count-is-odd",
        "There is an odd number of control-plane machines.",
        "with stacked etcd each is a voter, and an even number of voters survives no more losses than the odd number "
        "below it; with external etcd the setting stays odd so that a stack can change between the two.",
        Severity.HIGH,
        check=odd_control_planes,
    ),
    StackRule(
        "one-stateful-machine-at-a-time",
        "An update replaces at most one machine of etcd and the control plane.",
        "a replaced member is missing until it has caught up, a replaced control plane until it has joined again. With "
        "two of three members missing there is no majority, and the API stops.",
        Severity.CRITICAL,
        check=one_at_a_time,
    ),
    StackRule(
        "quorum-survives-the-change",
        "A majority of etcd members stays untouched while an update runs.",
        "without a majority etcd accepts no writes, and nothing in the cluster can be changed until it has one again.",
        Severity.CRITICAL,
        check=quorum_through_change,
    ),
    StackRule(
        "quorum-survives-a-zone",
        "A majority of etcd members remains when any one zone is lost.",
        "availability zones do fail as a whole, and three members in two zones are lost with one of them.",
        Severity.HIGH,
        check=quorum_without_a_zone,
    ),
    StackRule(
        "machines-are-spread-over-zones",
        "Control-plane and etcd machines are spread evenly over all zones of the network.",
        "machines in one zone fail together, whatever their number.",
        Severity.HIGH,
        check=spread,
    ),
)
