"""Networks of operators that need more rules than a security group takes, found before anything is made. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from components.network.traffic import Party, addresses_of, allowed
from components.settings.model import Settings
from components.settings.problems import Problem
from components.settings.rules.facts import NAMESPACE

# Of each direction, as AWS sets it at first: docs/aws.md.
RULES_PER_GROUP = 60


def exceeded_rules(settings: Settings, living: Settings | None = None) -> Iterator[Problem]:
    """The fullest group that has more rules than AWS takes. A `living` cluster keeps the number that it has."""
    there = rules(living) if living else Counter[tuple[Party, str]]()
    group, number = max(rules(settings).items(), key=lambda item: item[1])
    if number > max(RULES_PER_GROUP, there[group]):
        access = settings.access
        yield Problem(
            f"{NAMESPACE}:access",
            f"{len(access.ssh_cidrs)} networks in sshCidrs and {len(access.api_cidrs)} in apiCidrs, which make "
            f"{number} rules in the security group {group[0]}",
            f"Name fewer or larger networks: AWS takes {RULES_PER_GROUP} rules {group[1]} in a group, and each network "
            "is one.",
        )


def rules(settings: Settings) -> Counter[tuple[Party, str]]:
    """How many rules each party's security group has, for each direction."""
    addresses = addresses_of(settings)
    counted = Counter[tuple[Party, str]]()
    for row in allowed(settings):
        if row.target not in addresses:
            counted[row.target, "inwards"] += len(addresses.get(row.source, ("one",)))
        if row.source not in addresses:
            counted[row.source, "outwards"] += len(addresses.get(row.target, ("one",)))
    return counted
