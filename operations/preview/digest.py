"""What `pulumi preview --json` says, as steps. Pure.

With `--show-sames` it names every resource, so that dependencies can be followed through those that stay as they are.
Secrets are `[secret]` in it already; values that are known only at apply are a fixed marker.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from operations.errors import OperationFailed

UNKNOWN: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
SECRET: Final = "[secret]"
STACK_TYPE: Final = "pulumi:pulumi:Stack"

_REPLACING: Final = {"replace", "create-replacement", "delete-replaced", "discard-replaced", "import-replacement"}


class Action(StrEnum):
    """What happens to a resource."""

    CREATE = "create"
    UPDATE = "change"
    REPLACE = "replace"
    DELETE = "delete"
    SAME = "same"


_ACTIONS: Final = {
    "create": Action.CREATE,
    "import": Action.CREATE,
    "update": Action.UPDATE,
    "delete": Action.DELETE,
    "remove-pending-replace": Action.DELETE,
}


@dataclass(frozen=True)
class Step:
    """What happens to one resource. `changed` are the property paths that differ, `forcing` those that replace it."""

    urn: str
    action: Action
    old: Mapping[str, Any]
    new: Mapping[str, Any]
    old_outputs: Mapping[str, Any] = field(default_factory=dict)
    changed: tuple[str, ...] = ()
    forcing: tuple[str, ...] = ()
    needs: frozenset[str] = frozenset()
    retained: bool = False
    protected: bool = False
    deletes_first: bool = False

    @property
    def type(self) -> str:
        return self.urn.split("::")[2].rpartition("$")[2]

    @property
    def name(self) -> str:
        return self.urn.split("::", 3)[3]

    @property
    def differing(self) -> tuple[str, ...]:
        """The inputs that differ; what the provider says where none does, as for a replacement that was asked for."""
        if self.action in (Action.UPDATE, Action.REPLACE):
            keys = dict.fromkeys([*self.new, *self.old])
            found = tuple(key for key in keys if self.old.get(key) != self.new.get(key) and not key.startswith("__"))
            if found:
                return found
        return tuple(dict.fromkeys(re.split(r"[.\[]", key)[0] for key in (*self.forcing, *self.changed)))

    @property
    def is_component(self) -> bool:
        """Components and providers are bookkeeping: nothing outside changes with them."""
        return self.type.startswith(("quorate:", "pulumi:"))


@dataclass(frozen=True)
class Violation:
    """A rule of a policy pack that a resource or the stack breaks."""

    policy: str
    level: str
    resource: str
    message: str

    @property
    def mandatory(self) -> bool:
        return self.level == "mandatory"


@dataclass(frozen=True)
class Preview:
    """A preview: steps in the engine's order, one per resource; `packs` are the policy packs that looked at it."""

    steps: tuple[Step, ...]
    config: Mapping[str, Any]
    errors: tuple[str, ...]
    warnings: tuple[str, ...]
    violations: tuple[Violation, ...] = ()
    packs: tuple[str, ...] = ()

    @property
    def root(self) -> Step | None:
        return next((step for step in self.steps if step.type == STACK_TYPE), None)

    def of(self, action: Action) -> tuple[Step, ...]:
        """The resources, components left out, to which this happens."""
        return tuple(step for step in self.steps if step.action is action and not step.is_component)


def read_preview(text: str, events: Iterable[str] = ()) -> Preview:
    """The preview in what `pulumi preview --json` printed, and the policies in its event log (a line per event).

    Raises OperationFailed where it isn't one.
    """
    try:
        digest = json.loads(text)
    except ValueError as error:
        raise OperationFailed(f"this is no output of `pulumi preview --json`: {error}") from None
    if not isinstance(digest, Mapping) or not {"steps", "config"} & set(digest):
        raise OperationFailed("this is no output of `pulumi preview --json`: it has neither steps nor a configuration")
    merged: dict[str, list[Mapping[str, Any]]] = {}
    for raw in digest.get("steps") or ():
        urn = raw.get("urn") if isinstance(raw, Mapping) else None
        if not isinstance(urn, str) or urn.count("::") < 3 or "op" not in raw:
            raise OperationFailed(f"this is no output of `pulumi preview --json`: a step in it is {str(raw)[:80]!r}")
        merged.setdefault(urn, []).append(raw)
    diagnostics = digest.get("diagnostics") or ()
    violations, packs = _policies(events)
    return Preview(
        steps=tuple(_step(urn, raws) for urn, raws in merged.items()),
        config=digest.get("config") or {},
        errors=_messages(diagnostics, "error"),
        warnings=_messages(diagnostics, "warning"),
        violations=violations,
        packs=packs,
    )


def _step(urn: str, raws: list[Mapping[str, Any]]) -> Step:
    ops = {raw["op"] for raw in raws}
    action = Action.REPLACE if ops & _REPLACING else _ACTIONS.get(raws[-1]["op"], Action.SAME)
    old = next((raw["oldState"] for raw in raws if raw.get("oldState")), None) or {}
    new = next((raw["newState"] for raw in reversed(raws) if raw.get("newState")), None) or {}
    described: list[str] = []
    forcing: list[str] = []
    for raw in raws:
        described += [*(raw.get("detailedDiff") or {}), *(raw.get("diffReasons") or ())]
        forcing += raw.get("replaceReasons") or ()
    state = new or old
    needs = {*(state.get("dependencies") or ()), state.get("parent") or "", state.get("deletedWith") or ""}
    order = [raw["op"] for raw in raws]
    return Step(
        urn=urn,
        action=action,
        old=old.get("inputs") or {},
        new=new.get("inputs") or {},
        old_outputs=old.get("outputs") or {},
        changed=tuple(dict.fromkeys(described)),
        forcing=tuple(dict.fromkeys(forcing)),
        needs=frozenset(needs - {""}),
        retained=bool(old.get("retainOnDelete")),
        protected=bool(old.get("protect")),
        deletes_first=bool({"delete-replaced"} & set(order)) and order[0] == "delete-replaced",
    )


def _messages(diagnostics: Iterable[Mapping[str, Any]], severity: str) -> tuple[str, ...]:
    found = (str(entry.get("message", "")).strip() for entry in diagnostics if entry.get("severity") == severity)
    return tuple(dict.fromkeys(message for message in found if message))


def _policies(events: Iterable[str]) -> tuple[tuple[Violation, ...], tuple[str, ...]]:
    violations, packs = [], {}
    for line in events:
        try:
            event = json.loads(line)
        except ValueError:
            continue
        broken = event.get("policyEvent")
        if broken:
            urn = str(broken.get("resourceUrn", ""))
            resource = urn.split("::", 3)[3] if urn.count("::") >= 3 and STACK_TYPE not in urn else "the stack"
            message = str(broken.get("message", "")).strip()
            violations.append(Violation(broken["policyName"], broken["enforcementLevel"], resource, message))
            packs[broken.get("policyPackName", "")] = True
        summary = next((event[key] for key in event if key.startswith("policyAnalyze")), None)
        if isinstance(summary, Mapping) and summary.get("policyPackName"):
            packs[summary["policyPackName"]] = True
    return tuple(dict.fromkeys(violations)), tuple(sorted(packs))
