"""The committed stacks, and variants of them, as a monitor that records every registration sees them."""

from __future__ import annotations

from functools import cache
from typing import Any

from components.cluster import Cluster
from components.settings.model import Settings
from components.settings.validate import parse
from tests.components.education import ANSWERS, outputs
from tests.components.recording import Recorded, Recording, record
from tests.components.settings.stack_files import changed, committed

STACKS = ("education", "dev", "prod")
INSTANCE = "aws:ec2/instance:Instance"
COMMAND = "command:remote:Command"
GROUP = "aws:autoscaling/group:Group"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
# A stack that takes snapshots, with no default among what says how.
WITH_SNAPSHOTS = (
    ("backups__enabled", True),
    ("backups__intervalHours", 4),
    ("backups__keepAllDays", 4),
    ("backups__keepMonthlyMonths", 2),
)
TARGET = "aws:lb/targetGroupAttachment:TargetGroupAttachment"


def settings_of(stack: str, **changes: Any) -> Settings:
    """The settings of a committed stack file, with values at key paths changed: `workers__0__maximum=5`."""
    groups = {
        key.removeprefix("quorate:"): value for key, value in committed(stack).items() if key.startswith("quorate:")
    }
    return parse(changed(groups, **changes))


@cache
def recorded(stack: str, changes: tuple[tuple[str, Any], ...] = ()) -> Recording:
    """What a stack with these changes registers."""
    settings = settings_of(stack, **dict(changes))

    def program() -> None:
        Cluster(settings.cluster.name, settings)

    return record(program, outputs, ANSWERS)


def varied(stack: str, key: str, value: Any) -> Recording:
    """What a stack with the value at a key path changed registers."""
    return recorded(stack, ((key, value),))


def waits_for(recording: Recording, one: Recorded, other: str) -> bool:
    """Whether `one` comes after the resource `other`, directly or by others between."""
    seen, todo = set(), [one.key]
    while todo:
        key = todo.pop()
        if key in seen or key not in recording.resources:
            continue
        seen.add(key)
        todo += recording.resources[key].depends_on
    return other in seen
