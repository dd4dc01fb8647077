"""Every rule of the pack, by subject. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from policies.model import Rule
from policies.rules import (
    cost,
    exposure,
    identity,
    instances,
    load_balancer,
    network,
    quorum,
    secrets,
    storage,
    tags,
    versions,
)

BY_SUBJECT: Mapping[str, tuple[Rule, ...]] = {
    "Quorum and zones": quorum.RULES,
    "Disks and backups": storage.RULES,
    "Machines": instances.RULES,
    "Open ports": exposure.RULES,
    "Permissions": identity.RULES,
    "Load balancer": load_balancer.RULES,
    "Secrets": secrets.RULES,
    "Images and versions": versions.RULES,
    "Routing": network.RULES,
    "Tags": tags.RULES,
    "Cost": cost.RULES,
}
RULES: tuple[Rule, ...] = tuple(rule for rules in BY_SUBJECT.values() for rule in rules)
NAMES: tuple[str, ...] = tuple(rule.name for rule in RULES)
