"""The parts of a comment: resources, order, cost, survival, policies. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from operations.preview.budget import Part
from operations.preview.digest import Action, Step
from operations.preview.effects import Effect, Impact, is_stateful
from operations.preview.names import some
from operations.preview.policy_results import BrokenRule, broken, exempt
from operations.preview.review import Review, Verdict, View
from operations.preview.settings_diff import settings_diff
from operations.report.blocks import Table
from operations.report.drawing import text_drawing
from operations.report.page import cost_blocks, money
from operations.report.render import markdown_block
from operations.survival import outcomes
from pricing.tables import drills

_WORST_FIRST: Final = (Action.DELETE, Action.REPLACE, Action.UPDATE, Action.CREATE)
_UNFOLDED_ROWS: Final = 12
_KEYS_SHOWN: Final = 6


def folded(title: str, head: Sequence[str], body: Iterable[str], tail: Sequence[str] = ()) -> Part:
    """A part that is closed until it is clicked."""
    return Part(("", f"<details><summary>{title}</summary>", "", *head), tuple(body), (*tail, "", "</details>"))


def settings_parts(review: Review) -> Iterator[Part]:
    """The settings that differ."""
    if review.before is None or review.after is None:
        return
    rows = settings_diff(review.before.stack.settings, review.after.stack.settings)
    if rows:
        cells = tuple((f"`{path}`", was, will) for path, was, will in rows)
        head, body = _split(Table(("setting", "before", "after"), cells))
        yield Part(("", "### Settings", "", *head), tuple(body))


def resource_parts(review: Review) -> Iterator[Part]:
    """What is created, changed, replaced, deleted: what holds state first, then the worst first."""
    touched = [
        step for action in _WORST_FIRST for step in sorted(review.preview.of(action), key=lambda step: step.name)
    ]
    stateful = [step for step in touched if is_stateful(step) and step.action is not Action.CREATE]
    rest = [step for step in touched if step not in stateful]
    if stateful:
        head, rows = _rows(review, "what holds state", stateful)
        yield Part(("", "### Disks, buckets and keys", "", *head), rows)
    if rest:
        head, rows = _rows(review, "resource", rest)
        if len(rest) <= _UNFOLDED_ROWS:
            yield Part(("", "### Resources", "", *head), rows)
        else:
            kinds = Counter(step.action for step in rest)
            counts = ", ".join(f"{kinds[action]} to {action}" for action in _WORST_FIRST if kinds[action])
            yield folded(f"Resources: {counts}", head, rows)


def _rows(review: Review, title: str, steps: Sequence[Step]) -> tuple[list[str], tuple[str, ...]]:
    """Rows, one per step; of many that are created, one per kind."""
    created = [step for step in steps if step.action is Action.CREATE]
    alone = [step for step in steps if step.action is not Action.CREATE or len(created) <= _UNFOLDED_ROWS]
    rows = [_row(review, step) for step in alone]
    kinds: dict[str, list[str]] = {}
    for step in created if len(created) > _UNFOLDED_ROWS else ():
        kinds.setdefault(step.type.rpartition(":")[2], []).append(step.name)
    rows += [(f"{len(names)} {kind}", "create", some(sorted(names)), "") for kind, names in sorted(kinds.items())]
    head, body = _split(Table((title, "", "properties, or names", "what that means"), tuple(rows)))
    return head, tuple(body)


def _row(review: Review, step: Step) -> tuple[str, str, str, str]:
    keys = ", ".join(f"`{key}`{' (replaces)' if forcing else ''}" for key, forcing in _top_keys(step).items())
    kind = step.type.rpartition(":")[2]
    return f"`{step.name}` {kind}", str(step.action), keys, review.effects[step.urn].words


def _top_keys(step: Step) -> dict[str, bool]:
    """The properties that differ, those that replace the resource first."""
    forcing = {re.split(r"[.\[]", key)[0] for key in step.forcing}
    ordered = sorted(step.differing, key=lambda key: key not in forcing)
    return {key: key in forcing for key in ordered[:_KEYS_SHOWN]}


def order_parts(review: Review) -> Iterator[Part]:
    """What interrupts, in the order in which it runs; steps of the same number may run at the same time."""
    steps = [step for step in review.interrupting if review.effects[step.urn].words]
    changing = sum(step.action is not Action.SAME and not step.is_component for step in review.preview.steps)
    if not steps:
        return
    holders = Counter(lock for lock, _ in {(effect.lock, effect.machine) for effect in review.effects.values()})
    groups: dict[tuple[int, str, str], list[Step]] = {}
    for step in steps:
        effect = review.effects[step.urn]
        groups.setdefault(
            (review.ranks.get(step.urn, 0), effect.words, _interrupts(effect, holders[effect.lock] > 1)), []
        ).append(step)
    numbers = {rank: number for number, rank in enumerate(sorted({key[0] for key in groups}), start=1)}
    rows = []
    for (rank, words, interrupts), members in groups.items():
        rows.append((str(numbers[rank]), some(sorted(step.name for step in members)), words, interrupts))
    head, body = _split(Table(("step", "resource", "what happens", "interrupts"), tuple(rows)))
    rest = changing - len(steps)
    further = f" {rest} other changes interrupt nothing." if rest else ""
    note = ("", f"Rows with the same number may run at the same time.{further}")
    yield folded("Order of steps, and what they interrupt", head, body, note)


def _interrupts(effect: Effect, several: bool) -> str:
    """`several`: more than one machine takes the effect's lock."""
    if effect.impact is Impact.WORKERS:
        return "pods move"
    if effect.impact < Impact.MACHINE:
        return "no"
    return "**yes**, machines take turns" if effect.lock and several else "**yes**"


def cost_parts(review: Review) -> Iterator[Part]:
    """The bill by part, before and after."""
    after = review.after
    if after is None or review.verdict is Verdict.DESTROYS:
        return
    if after.bill is None or review.before is None or review.before.bill is None:
        lines: list[str] = []
        for block in cost_blocks(after.topology, review.prices, after.stack.region):
            lines += [*markdown_block(block), ""]
        yield folded("Cost per month, by part", (), lines)
        return
    if after.bill == review.before.bill:
        return
    head, body = _split(_comparison(review.before, after))
    table = review.prices
    source = f"List prices of {table.region}, recorded {table.recorded}: {table.source}." if table else ""
    yield folded("Cost per month, by part", head, body, ("", source))


def _comparison(before: View, after: View) -> Table:
    def totals(view: View) -> dict[str, float | None]:
        lines = view.bill.lines if view.bill else ()
        return {f"{line.part} ({line.unit})": line.total for line in lines}

    old, new = totals(before), totals(after)
    rows = []
    order = list(dict.fromkeys(part.partition(" (")[0] for part in [*new, *old]))
    for part in sorted({*new, *old}, key=lambda part: (order.index(part.partition(" (")[0]), part not in old)):
        was, will = old.get(part, 0.0), new.get(part, 0.0)
        known = was is not None and will is not None
        difference = (will or 0.0) - (was or 0.0)
        rows.append((part, money(was), money(will), f"{difference:+,.2f}" if known and difference else ""))
    was, will = (view.bill.total if view.bill else 0.0 for view in (before, after))
    rows.append(("total", money(was), money(will), f"{will - was:+,.2f}"))
    return Table(("part", "USD before", "after", ""), tuple(rows), frozenset({len(rows) - 1}), frozenset({1, 2, 3}))


def topology_parts(review: Review) -> Iterator[Part]:
    """What a new cluster consists of."""
    if review.verdict is Verdict.NEW and review.after:
        text = text_drawing(review.after.topology).splitlines()
        yield folded("Topology", ("```text",), text, ("```",))


def survival_parts(review: Review) -> Iterator[Part]:
    """What each failure does, before and after."""
    if review.after is None or review.verdict is Verdict.DESTROYS:
        return
    after = {outcome.failure: outcome for outcome in outcomes(review.after.topology, drills())}
    before = {}
    if review.before:
        before = {outcome.failure: outcome for outcome in outcomes(review.before.topology, drills())}
    rows = []
    for failure in dict.fromkeys([*after, *before]):
        was, will = before.get(failure), after.get(failure)
        now = will or was
        if now is None:
            continue
        measured = f"; measured: {now.measured}" if now.measured else ""
        rows.append((failure, was.api if was else "-", will.api if will else "-", f"{now.how_long}{measured}"))
    different = frozenset(number for number, row in enumerate(rows) if row[1] != row[2] and "-" not in row[1:3])
    if before == after:
        return
    head, body = _split(Table(("failure", "API before", "API after", "for how long"), tuple(rows), different))
    yield folded("What the cluster survives, before and after", head, body)


def policy_parts(review: Review) -> Iterator[Part]:
    """The rules that are broken, mandatory ones first."""
    found, exemptions = broken(review.preview.violations), exempt(review.preview.violations)
    if found:
        rows = tuple((rule.level, f"`{rule.policy}`", some(rule.resources), _explained(rule)) for rule in found)
        head, body = _split(Table(("level", "rule", "resource", "what, why, what to do"), rows))
        yield folded(f"Policies: {len(found)} broken", head, body)
    if exemptions:
        passed = tuple((exemption.says, "\n".join(exemption.passed)) for exemption in exemptions)
        head, body = _split(Table(("exemption in the stack file", "what it lets pass"), passed))
        yield folded(f"Policies: {len(exemptions)} exemptions", head, body)


def _explained(rule: BrokenRule) -> str:
    reasons = [f"**Why**: {why}" for why in rule.why]
    return "\n".join([*rule.wrong, *reasons, *(f"**Do**: {remedy}" for remedy in rule.remedies)])


def _split(table: Table) -> tuple[list[str], list[str]]:
    lines = markdown_block(table)
    return lines[:2], lines[2:]
