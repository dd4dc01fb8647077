"""Runs rules and sorts what they find: violations, and those that the stack file exempts. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from policies.exemptions import Exemption
from policies.model import Context, Finding, Resource, ResourceRule, Rule, Stack, StackRule


@dataclass(frozen=True)
class Judged:
    """What a rule found, without what is exempt, and what is, with the exemption that covers it."""

    violations: tuple[Finding, ...]
    exempt: tuple[tuple[Finding, Exemption], ...]


def judged(rule: Rule, findings: Iterable[Finding], exemptions: Iterable[Exemption]) -> Judged:
    """Findings of `rule`, sorted."""
    violations: list[Finding] = []
    exempt: list[tuple[Finding, Exemption]] = []
    usable = tuple(exemptions)
    for finding in findings:
        covering = next((one for one in usable if one.covers(rule.name, finding)), None)
        if covering is None:
            violations.append(finding)
        else:
            exempt.append((finding, covering))
    return Judged(tuple(violations), tuple(exempt))


def parameters(rule: Rule, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """The rule's parameters: those that policy config gives, defaults for the others."""
    return {name: given.get(name, parameter.default) for name, parameter in rule.parameters.items()}


def on_resource(rule: ResourceRule, resource: Resource, context: Context, given: Mapping[str, Any]) -> list[Finding]:
    """What a rule finds at one resource."""
    return list(rule.check(resource, replace(context, parameters=parameters(rule, given))))


def on_stack(rule: Rule, stack: Stack, context: Context, given: Mapping[str, Any]) -> list[Finding]:
    """What a rule finds in a whole stack."""
    if isinstance(rule, ResourceRule):
        return [finding for resource in stack.resources for finding in on_resource(rule, resource, context, given)]
    if isinstance(rule, StackRule):
        return list(rule.check(stack, replace(context, parameters=parameters(rule, given))))
    raise TypeError(f"{rule.name} is neither a rule for resources nor one for stacks")
