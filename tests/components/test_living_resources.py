"""Resources of living clusters go on under this release: by the same URN, or by an alias. Seconds, not a drill."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.components.recording import Recording
from tests.components.stacks import recorded

PREVIOUS_RELEASE = Path(__file__).parents[1] / "previous_release"


@dataclass(frozen=True)
class Identity:
    """What an URN says beside stack and project: the types from the outermost parent down, and the name."""

    types: str
    name: str

    def child(self, kind: str, name: str) -> Identity:
        return Identity(f"{self.types}${kind}" if self.types else kind, name)


NOBODY = Identity("", "")


def of_urn(urn: str) -> Identity:
    types, name = urn.split("::")[2:]
    return Identity(types, name)


def before(stack: str) -> list[Identity]:
    """All resources of the release before."""
    parents: dict[str, str] = {}
    for line in (PREVIOUS_RELEASE / f"{stack}-tree.txt").read_text().splitlines():
        key, _, parent = line.partition(" <")
        parents[key] = parent.strip()

    def identity(key: str) -> Identity:
        return identity(parents[key]).child(*key.split(" ", 1)) if key else NOBODY

    return [identity(key) for key in parents]


def now(recording: Recording) -> Mapping[str, set[Identity]]:
    """For each resource all that it may have been, as the engine works it out: a child is renamed with its parent."""
    found: dict[str, set[Identity]] = {"": {NOBODY}}

    def identities(key: str) -> set[Identity]:
        if key not in found:
            resource = recording.resources[key]
            parents, parent_name = identities(resource.parent), resource.parent.partition(" ")[2]
            found[key] = {
                Identity(parent.types, parent.name).child(kind, name.replace(parent_name, parent.name, 1))
                for kind, name in [(resource.type, resource.name), *((a.type, a.name) for a in resource.aliases)]
                for parent in parents
            } | {of_urn(alias.parent).child(alias.type, alias.name) for alias in resource.aliases if alias.parent}
        return found[key]

    for key in recording.resources:
        identities(key)
    return found


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_every_resource_of_the_release_before_is_still_known(stack: str) -> None:
    identities = set().union(*now(recorded(stack)).values())
    # A command that is no longer there leaves what it did; a component is nothing outside of the state.
    matters = [one for one in before(stack) if not one.types.rpartition("$")[2].startswith(("quorate:", "command:"))]
    assert len(matters) > 40
    assert [one for one in matters if one not in identities] == []
