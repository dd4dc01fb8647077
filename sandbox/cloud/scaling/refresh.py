"""Instance refresh: a group's instances replaced by ones from its current template, a few at a time."""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable
from typing import Any

from sandbox.cloud.scaling.group_state import counts, launched_from, members_of, wanted_template
from sandbox.cloud.scaling.plan import in_order_of_end

ACTIVE = ("Pending", "InProgress", "Cancelling")


def all_of(group: Any) -> list[dict[str, Any]]:
    """The group's refreshes, newest first."""
    found: list[dict[str, Any]] = vars(group).setdefault("refreshes", [])
    return found


def current(group: Any) -> dict[str, Any] | None:
    """The refresh that is under way, or None."""
    newest = all_of(group)[:1]
    return newest[0] if newest and newest[0]["status"] in ACTIVE else None


def start(group: Any, preferences: dict[str, Any], now: float) -> str:
    """Begins a refresh of all instances that there are; its id."""
    to_do = [s.instance.id for s in group.instance_states if counts(s)]
    if preferences.get("SkipMatching"):
        matching = _matching(group)
        to_do = [instance_id for instance_id in to_do if instance_id not in matching]
    made = {
        "id": str(uuid.uuid4()),
        "status": "Pending",
        "started": now,
        "ended": None,
        "preferences": preferences,
        "surplus": 0,
        "to_do": to_do,
        "total": len(to_do),
    }
    all_of(group).insert(0, made)
    return str(made["id"])


def cancel(group: Any) -> str | None:
    """Stops replacing; what is replaced stays. The refresh's id, or None where none is under way."""
    found = current(group)
    if found is None:
        return None
    found["status"], found["surplus"] = "Cancelling", 0
    return str(found["id"])


def surplus(group: Any) -> int:
    """How many instances the group has beyond its desired number while a refresh launches before it ends."""
    found = current(group)
    return int(found["surplus"]) if found else 0


def percentage(refresh: dict[str, Any]) -> int:
    total = refresh["total"]
    return 100 if not total else round(100 * (total - len(refresh["to_do"])) / total)


def advance(group: Any, now: float, end: Callable[[Any, Any, str, float], None]) -> None:
    """One step; `end` takes an instance out of the group."""
    found = current(group)
    if found is None:
        return
    if found["status"] == "Cancelling":
        found["status"], found["ended"] = "Cancelled", now
        return
    found["status"] = "InProgress"
    present = {s.instance.id: s for s in group.instance_states if counts(s)}
    found["to_do"] = [instance_id for instance_id in found["to_do"] if instance_id in present]
    ready = [s for s in present.values() if _is_ready(group, found, s, now)]
    desired = int(group.desired_capacity or 0)
    if not found["to_do"]:
        found["surplus"] = 0
        if len(ready) >= desired and len(present) <= desired:
            found["status"], found["ended"] = "Successful", now
        return
    least, most = _bounds(found["preferences"], desired)
    found["surplus"] = min(most - desired, len(found["to_do"]))
    room = len(ready) - least
    if room < 1 and not found["surplus"] and len(ready) >= desired:
        room = 1  # the bounds leave none, and a refresh that never begins helps nobody
    members = [m for m in in_order_of_end(members_of(group)) if m.id in found["to_do"]]
    for member in members[: max(room, 0)]:
        end(group, present[member.id], "an instance was taken out of service by an instance refresh.", now)
        found["to_do"].remove(member.id)
    found["surplus"] = min(found["surplus"], len(found["to_do"]))


def _bounds(preferences: dict[str, Any], desired: int) -> tuple[int, int]:
    """The least that stay in service and the most that there may be."""
    told_least, told_most = preferences.get("MinHealthyPercentage"), preferences.get("MaxHealthyPercentage")
    least = math.ceil(desired * (90 if told_least is None else int(told_least)) / 100)
    share = 100 if told_most is None else int(told_most)
    most = max(desired + 1, math.floor(desired * share / 100)) if share > 100 else desired
    return least, most


def _is_ready(group: Any, refresh: dict[str, Any], state: Any, now: float) -> bool:
    if state.lifecycle_state != "InService" or state.health_status != "Healthy":
        return False
    if state.instance.id in refresh["to_do"]:
        return True
    warm_up = refresh["preferences"].get("InstanceWarmup")
    if warm_up is None:
        warm_up = getattr(group, "default_instance_warmup", None)
    if warm_up is None:
        warm_up = group.health_check_grace_period or 0
    return bool(now >= (state.in_service_since or now) + float(warm_up))


def _matching(group: Any) -> set[str]:
    template, version = wanted_template(group)
    wanted = (template.id, str(version.number))
    return {s.instance.id for s in group.instance_states if launched_from(s) == wanted}
