"""What a rule is and what it looks at. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

from components.settings.model import Settings
from policies.values import at


@dataclass(frozen=True)
class Resource:
    """A declared resource. `props` is what the program says, with the provider's camelCase keys and UNKNOWN where a
    preview can't know; `outputs` what AWS says of it, empty for a resource by itself.

    `references`: for each property the URNs of the resources that its value comes from; known even where the value
    isn't. Only a whole stack has them, not a resource by itself.
    """

    type: str
    name: str
    props: Mapping[str, Any]
    outputs: Mapping[str, Any] = field(default_factory=dict)
    urn: str = ""
    protect: bool = False
    ignore_changes: tuple[str, ...] = ()
    delete_before_replace: bool = False
    references: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def get(self, *path: str | int) -> Any:
        """The property at a path; see values.at."""
        return at(self.props, *path)


@dataclass(frozen=True)
class Stack:
    """Every resource of a stack."""

    resources: tuple[Resource, ...]

    def of_type(self, *types: str) -> list[Resource]:
        return [resource for resource in self.resources if resource.type in types]

    def referred(self, resource: Resource, *properties: str) -> list[Resource]:
        """The resources that these properties come from; all properties when none is named."""
        keys = properties or tuple(resource.references)
        return [self._by_urn[urn] for key in keys for urn in resource.references.get(key, ()) if urn in self._by_urn]

    @cached_property
    def _by_urn(self) -> dict[str, Resource]:
        return {resource.urn: resource for resource in self.resources}


@dataclass(frozen=True)
class Context:
    """What rules know besides resources. `settings` is None when the stack has none that are valid."""

    settings: Settings | None = None
    region: str = ""
    monthly_budget_usd: float | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Finding:
    """A violation: what is `wrong`, and what to set instead (`remedy`). `resource` is None for a stack as a whole."""

    wrong: str
    remedy: str
    resource: Resource | None = None


class Level(StrEnum):
    """What a violation does: stops the update, or is only reported."""

    MANDATORY = "mandatory"
    ADVISORY = "advisory"


class Severity(StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


@dataclass(frozen=True)
class Parameter:
    """A value that policy config may set: its JSON schema and its default."""

    schema: Mapping[str, Any]
    default: Any


@dataclass(frozen=True)
class Rule:
    """A rule. `says` is the rule in a sentence, `why` is why it matters for a cluster, in one or two."""

    name: str
    says: str
    why: str
    severity: Severity
    level: Level = Level.MANDATORY
    parameters: Mapping[str, Parameter] = field(default_factory=dict)


@dataclass(frozen=True)
class ResourceRule(Rule):
    """Looks at one resource at a time, before that resource is created or changed."""

    check: Callable[[Resource, Context], Iterable[Finding]] = field(kw_only=True)


@dataclass(frozen=True)
class StackRule(Rule):
    """Looks at all resources together, at the end of a preview or update."""

    check: Callable[[Stack, Context], Iterable[Finding]] = field(kw_only=True)


def message(rule: Rule, finding: Finding) -> str:
    """What the person reads below the rule's sentence: what is wrong, why it matters, what to set."""
    return f"{finding.wrong}\nWhy: {rule.why}\nDo: {finding.remedy}"
