"""What a preview means for the cluster: its verdict, what changes where, in which order, at what cost. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from components.settings.problems import InvalidSettings
from components.settings.validate import restore
from operations.errors import OperationFailed
from operations.preview.digest import Action, Preview, Step
from operations.preview.effects import Effect, Impact, effect
from operations.preview.names import MOST, some
from operations.preview.node_lines import MachineChange, machine_change
from operations.preview.order import ranks, together
from operations.preview.policy_results import BrokenRule, broken
from operations.stack_files import Stack, stack_of
from pricing.bill import Bill, bill
from pricing.tables import Prices, prices
from pricing.topology import Topology, topology


class Verdict(StrEnum):
    """What a reviewer needs to know first, worst first."""

    FAILS = "the preview fails"
    BLOCKED = "a policy forbids it"
    LOSES_DATA = "loses data or keys"
    STOPS_API = "interrupts the API"
    PAUSES = "pauses machines; the API stays up"
    MOVES_PODS = "replaces workers; the API stays up"
    DESTROYS = "removes the cluster"
    NEW = "creates a new cluster"
    IN_PLACE = "changes things in place; nothing is interrupted"
    NOTHING = "changes nothing"


@dataclass(frozen=True)
class View:
    """A side of the change, before or after: what the settings imply, and its bill where prices are known."""

    stack: Stack
    topology: Topology
    bill: Bill | None


def mismatches(preview: Preview, topology: Topology) -> tuple[str, ...]:
    """Where the program declares other machines, disks, gateways or balancers than the topology that is costed.

    Only a preview that shows unchanged resources too can be compared; a partial one compares as it is.
    """
    kept = [step for step in preview.steps if step.action is not Action.DELETE]
    declared = Counter(step.type for step in kept)
    expected = {
        "aws:ec2/instance:Instance": len(topology.machines),
        "aws:autoscaling/group:Group": len(topology.pools),
        "aws:ebs/volume:Volume": len(topology.members),
        "aws:ec2/natGateway:NatGateway": topology.nat_gateways,
        "aws:lb/loadBalancer:LoadBalancer": len(topology.load_balancers),
    }
    found = [
        f"the preview declares {declared[kind]} {kind.rpartition(':')[2]}, the settings imply {count}"
        for kind, count in expected.items()
        if declared[kind] != count
    ]
    return (*found, *_root_disks(kept, topology)) if not found else tuple(found)


def _root_disks(kept: Sequence[Step], topology: Topology) -> Iterator[str]:
    """Root disks of another size than is costed; silent where the preview does not show them."""
    disks = [step.new.get("rootBlockDevice") for step in kept if step.type == "aws:ec2/instance:Instance"]
    found = [disk.get("volumeSize") for disk in disks if isinstance(disk, Mapping)]
    sizes = [size for size in found if isinstance(size, int)]
    expected = sum(machine.root_gib for machine in topology.machines)
    if len(sizes) == len(topology.machines) and sum(sizes) != expected:
        yield f"the preview's root disks have {sum(sizes)} GiB, the settings imply {expected}"


@dataclass(frozen=True)
class Review:
    """A preview, judged. `before` is None for a new stack, `after` where the settings were refused."""

    stack: str
    preview: Preview
    verdict: Verdict
    reasons: tuple[str, ...]
    changes: Mapping[str, MachineChange]
    effects: Mapping[str, Effect]
    ranks: Mapping[str, int]
    before: View | None
    after: View | None
    prices: Prices | None

    @property
    def interrupting(self) -> tuple[Step, ...]:
        """Steps that interrupt something, in the order in which they can run."""
        found = [step for step in self.preview.steps if self.effects[step.urn].impact > Impact.NONE]
        return tuple(sorted(found, key=lambda step: self.ranks.get(step.urn, 0)))


def review(name: str, preview: Preview) -> Review:
    """Judges the preview of the stack called `name`."""
    after = _after(name, preview)
    before = _before(name, preview)
    known = after or before
    cluster = known.topology.cluster if known else name
    changes = {step.urn: change for step in preview.steps if (change := machine_change(step))}
    effects = {step.urn: effect(step, changes.get(step.urn), cluster) for step in preview.steps}
    counted = frozenset(step.urn for step in preview.steps if step.action is not Action.SAME and not step.is_component)
    verdict, reasons = _verdict(preview, effects, before, after)
    return Review(
        name, preview, verdict, reasons, changes, effects, ranks(preview.steps, counted), before, after,
        prices(known.stack.region) if known else None,
    )  # fmt: skip


def _verdict(
    preview: Preview, effects: Mapping[str, Effect], before: View | None, after: View | None
) -> tuple[Verdict, tuple[str, ...]]:
    steps = {step.urn: step for step in preview.steps}

    def said(impact: Impact) -> tuple[str, ...]:
        names: dict[str, list[str]] = {}
        for urn, found in sorted(effects.items(), key=lambda item: steps[item[0]].name):
            if found.impact is impact:
                names.setdefault(found.words, []).append(steps[urn].name)
        return tuple(f"{some(listed)}: {words}" for words, listed in names.items())

    forbidden = tuple(_forbids(rule) for rule in broken(preview.violations) if rule.mandatory)
    if preview.errors and not forbidden:
        return Verdict.FAILS, preview.errors
    if forbidden:
        return Verdict.BLOCKED, forbidden
    touched = [step for step in preview.steps if step.action is not Action.SAME and not step.is_component]
    if not touched:
        return Verdict.NOTHING, ()
    if all(step.action is Action.DELETE for step in touched):
        return Verdict.DESTROYS, said(Impact.DATA)
    if all(step.action is Action.CREATE for step in touched) and before is None:
        return Verdict.NEW, ()
    if said(Impact.DATA):
        return Verdict.LOSES_DATA, said(Impact.DATA)
    stopping = said(Impact.API)
    pausing = together(preview.steps, effects, before.topology) if before else frozenset()
    if stopping or pausing:
        return Verdict.STOPS_API, (*stopping, *_why(pausing, before, said(Impact.MACHINE)))
    if said(Impact.MACHINE):
        return Verdict.PAUSES, said(Impact.MACHINE)
    if said(Impact.WORKERS):
        return Verdict.MOVES_PODS, said(Impact.WORKERS)
    return Verdict.IN_PLACE, ()


def _forbids(rule: BrokenRule) -> str:
    what = " ".join((*rule.wrong[:MOST], *(f"Do: {remedy}" for remedy in rule.remedies[:1])))
    return f"{some(rule.resources)}: {what} (`{rule.policy}`)"


def _why(pausing: frozenset[str], before: View | None, machines: tuple[str, ...]) -> tuple[str, ...]:
    if not pausing or before is None:
        return ()
    if len(pausing) == 1:
        return (f"{next(iter(pausing))} pauses, and with it the API: no other machine serves it", *machines)
    names = ", ".join(sorted(pausing))
    first = f"{before.topology.cluster}-{min(pausing)}"
    remedy = f"to keep the API, apply one machine at a time: `pulumi up --target '**::{first}-*'`, check, then the next"
    return (f"{names} may pause at the same time: no step of one waits for the other; {remedy}", *machines)


def _after(name: str, preview: Preview) -> View | None:
    try:
        return _view(stack_of(name, preview.config))
    except OperationFailed:
        return None


def _before(name: str, preview: Preview) -> View | None:
    raw = preview.root.old_outputs.get("settings") if preview.root else None
    if not isinstance(raw, Mapping):
        return None
    try:
        return _view(Stack(name, str(preview.config.get("aws:region") or ""), restore(raw)))
    except InvalidSettings:
        return None  # of another version of the program


def _view(stack: Stack) -> View:
    built, table = topology(stack.settings), prices(stack.region)
    return View(stack, built, bill(built, table) if table else None)
