"""Rules about registries and their mirrors. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from components.settings.problems import Problem
from components.settings.rules.facts import Facts, Rule, problem

_PATH: Final = "containers.registryMirrors"


def a_registry_stands_once(facts: Facts) -> Iterable[Problem]:
    """All mirrors of a registry are in one place, so that their order is said."""
    seen: set[str] = set()
    for number, mirrors in enumerate(facts.settings.containers.registry_mirrors):
        if mirrors.registry in seen:
            yield problem(
                f"{_PATH}[{number}].registry",
                mirrors.registry,
                "Write its endpoints below the registry's first entry, in the order in which they are asked.",
            )
        seen.add(mirrors.registry)


def a_registry_that_is_named_has_mirrors(facts: Facts) -> Iterable[Problem]:
    """No entry that says nothing."""
    for number, mirrors in enumerate(facts.settings.containers.registry_mirrors):
        if not mirrors.endpoints:
            yield problem(
                f"{_PATH}[{number}].endpoints",
                [] if facts.was_given(f"{_PATH}[{number}].endpoints") else None,
                "Name at least one mirror, such as https://mirror.example.org, or remove the registry.",
            )


def a_mirror_is_another_host(facts: Facts) -> Iterable[Problem]:
    """A mirror is not the registry itself, which is asked last anyway, and has a name that the VPC resolves."""
    cluster = facts.settings.cluster
    zone = f"{cluster.name}.{cluster.domain}"
    for number, mirrors in enumerate(facts.settings.containers.registry_mirrors):
        for index, endpoint in enumerate(mirrors.endpoints):
            path = f"{_PATH}[{number}].endpoints[{index}]"
            name = urlsplit(endpoint).netloc
            if name == mirrors.registry:
                yield problem(path, endpoint, "Remove it: the registry itself is asked after its mirrors.")
            elif name == zone or name.endswith(f".{zone}"):
                yield problem(
                    path,
                    endpoint,
                    f"Give the mirror a name outside of {zone}: that zone is the cluster's own, and its API alone has "
                    "a name there.",
                )


RULES: Final = (
    Rule((_PATH,), a_registry_stands_once),
    Rule((_PATH,), a_registry_that_is_named_has_mirrors),
    Rule((_PATH, "cluster.name", "cluster.domain"), a_mirror_is_another_host),
)
