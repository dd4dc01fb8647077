"""The comment on a pull request: what a reviewer must know first, then the rest, folded. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from operations.preview.budget import LIMIT, Part, fit
from operations.preview.digest import Action
from operations.preview.effects import Impact
from operations.preview.host_parts import host_parts
from operations.preview.parts import (
    cost_parts,
    order_parts,
    policy_parts,
    resource_parts,
    settings_parts,
    survival_parts,
    topology_parts,
)
from operations.preview.policy_results import broken, exempt
from operations.preview.review import Review, Verdict, View, mismatches
from operations.report.page import money, survives
from operations.survival import can_be_lost

_SIGNS: Final = {
    Verdict.FAILS: "🛑", Verdict.BLOCKED: "🛑", Verdict.LOSES_DATA: "🛑", Verdict.DESTROYS: "🛑",
    Verdict.STOPS_API: "⚠️", Verdict.PAUSES: "🟡", Verdict.MOVES_PODS: "🟡",
    Verdict.NEW: "🆕", Verdict.IN_PLACE: "✅", Verdict.NOTHING: "✅",
}  # fmt: skip
_REASONS_SHOWN: Final = 6
_OUT_OF_REACH: Final = "Cluster is unreachable"
_REASON_LENGTH: Final = 600
_ERROR_LINES: Final = 40
# What every failing program ends with.
_EPILOGUE: Final = "program exited with non-zero exit code"
_BYTES_PER_FILE: Final = 1600


def marker(stack: str) -> str:
    """The first line, by which the comment of a stack is found again."""
    return f"<!-- quorate preview: {stack} -->"


def comment(review: Review, limit: int = LIMIT) -> str:
    """The comment in Markdown, at most `limit` bytes."""
    parts = [
        Part(tuple(_head(review))),
        *settings_parts(review),
        *topology_parts(review),
        *resource_parts(review),
        *host_parts(review, limit // _BYTES_PER_FILE),
        *order_parts(review),
        *cost_parts(review),
        *survival_parts(review),
        *policy_parts(review),
        Part(("", f"<sub>`python -m operations preview-comment --stack {review.stack}` wrote this comment.</sub>")),
    ]
    return fit(parts, limit)


def _head(review: Review) -> Iterator[str]:
    yield marker(review.stack)
    yield f"## {_SIGNS[review.verdict]} `{review.stack}`: {review.verdict}"
    yield ""
    yield from _errors(review) if review.verdict is Verdict.FAILS else _reasons(review)
    preview = review.preview
    counts = [f"{len(preview.of(action))} {words}" for action, words in _COUNTED]
    yield f"- **Resources**: {', '.join(counts)}."
    yield f"- **Machines**: {_machines(review)}"
    yield f"- **Cost per month**: {_cost_line(review)}"
    if review.after and not review.preview.errors and review.verdict is not Verdict.DESTROYS:
        for mismatch in mismatches(review.preview, review.after.topology):
            yield f"  - ⚠️ {mismatch}: costs and what it survives are computed for the latter."
    yield f"- **Survives**: {_survives_line(review)}"
    if lost := _lost_line(review):
        yield f"- **Can be lost with etcd's data**: {lost}"
    yield f"- **Policies**: {_policy_line(review)}"
    for warning in list(dict.fromkeys(map(_warned, preview.warnings)))[:_REASONS_SHOWN]:
        yield f"- ⚠️ {warning}"


def _reasons(review: Review) -> Iterator[str]:
    for reason in review.reasons[:_REASONS_SHOWN]:
        yield f"> - {_one_line(reason)}"
    if len(review.reasons) > _REASONS_SHOWN:
        yield f"> - … and {len(review.reasons) - _REASONS_SHOWN} more, below."
    if review.reasons:
        yield ""


def _errors(review: Review) -> Iterator[str]:
    """What Pulumi said, in its own lines: settings that are refused are a list."""
    causes = [reason for reason in review.reasons if _EPILOGUE not in reason] or list(review.reasons)
    lines = [line for reason in causes for line in reason.removeprefix("error: ").splitlines() if line.strip()]
    shown = [line[:_REASON_LENGTH].replace("`" * 3, "`") for line in lines[:_ERROR_LINES]]
    more = [f"… {len(lines) - len(shown)} more lines, in the run's log"] if len(lines) > len(shown) else []
    yield from ("```text", *shown, *more, "```", "")


_COUNTED: Final = (
    (Action.CREATE, "created"),
    (Action.UPDATE, "changed"),
    (Action.REPLACE, "replaced"),
    (Action.DELETE, "deleted"),
    (Action.SAME, "unchanged"),
)


def _warned(warning: str) -> str:
    if _OUT_OF_REACH in warning:
        return "The cluster's API can't be reached from here: changes of objects in the cluster may be missing."
    return _one_line(warning.removeprefix("warning: "))


def _one_line(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= _REASON_LENGTH else f"{flat[:_REASON_LENGTH]}…"


def _machines(review: Review) -> str:
    changed = {change.machine for change in review.changes.values() if change.machine}
    pausing = sorted({effect.machine for effect in review.effects.values() if effect.impact is Impact.MACHINE})
    summary = f"files change on {len(changed)}" if changed else "no files change"
    if not pausing:
        return f"{summary}; none pauses."
    more = f" and {len(pausing) - _REASONS_SHOWN} more" if len(pausing) > _REASONS_SHOWN else ""
    return f"{summary}; {', '.join(pausing[:_REASONS_SHOWN])}{more} {'pauses' if len(pausing) == 1 else 'pause'}."


def _cost_line(review: Review) -> str:
    before, after = _bill(review.before), _bill(review.after)
    if review.verdict is Verdict.DESTROYS:
        after = 0.0
    if after is None:
        return "unknown: the settings were refused, or there are no prices for the region."
    table = review.prices
    source = f" (list prices of {table.region}, {table.recorded}, before traffic)" if table else ""
    if before is None:
        return f"{money(after)} USD{source}."
    if abs(after - before) < 0.005:
        return f"{money(after)} USD, as before{source}."
    return f"{money(before)} → {money(after)} USD, **{after - before:+,.2f}**{source}."


def _bill(view: View | None) -> float | None:
    return view.bill.total if view and view.bill else None


def _survives_line(review: Review) -> str:
    if review.after is None:
        return "unknown: the settings were refused."
    after = survives(review.after.topology).removeprefix("The API survives the loss of ")
    if review.before is None:
        return f"the loss of {after}"
    before = survives(review.before.topology).removeprefix("The API survives the loss of ")
    return f"the loss of {after} As before." if before == after else f"before, the loss of {before} After, of {after}"


def _lost_line(review: Review) -> str:
    """What snapshots change; nothing where this stays as it is."""
    if review.after is None or review.verdict is Verdict.DESTROYS:
        return ""
    after = can_be_lost(review.after.topology)
    if review.before is None:
        return after
    before = can_be_lost(review.before.topology)
    return "" if before == after else f"before, {before} After, {after}"


def _policy_line(review: Review) -> str:
    if review.after is None:
        return "not checked: the settings were refused."
    if not review.preview.packs:
        return "no policy pack checked this preview."
    found = broken(review.preview.violations)
    summary = f"{', '.join(review.preview.packs)}: no rule is broken."
    if review.verdict is Verdict.FAILS:
        summary = f"{summary[:-1]} as far as the preview got."
    if found:
        mandatory = sum(rule.mandatory for rule in found)
        summary = f"{mandatory} mandatory and {len(found) - mandatory} advisory rules are broken."
    exemptions = [_one_line(exemption.says).rstrip(".") for exemption in exempt(review.preview.violations)]
    return " ".join([summary, *(f"{says}." for says in exemptions)])
