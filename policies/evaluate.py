"""Runs rules and sorts what they find: violations, and those that the stack file exempts. Pure."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
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


def surely_on_resource(
    rule: ResourceRule, resource: Resource, context: Context, given: Mapping[str, Any]
) -> list[Finding]:
    """As on_resource; a rule that fails is a finding, at its own level, and the other rules are heard too."""
    return _surely(rule, lambda: on_resource(rule, resource, context, given), resource)


def surely_on_stack(rule: Rule, stack: Stack, context: Context, given: Mapping[str, Any]) -> list[Finding]:
    """As on_stack; a rule that fails is a finding, at its own level, and the other rules are heard too."""
    return _surely(rule, lambda: on_stack(rule, stack, context, given))


def _surely(rule: Rule, look: Callable[[], list[Finding]], resource: Resource | None = None) -> list[Finding]:
    try:
        return look()
    # Whatever a fault in a rule raises. Its text may hold a secret.
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        fault = f"{type(error).__name__} in {Path(where.filename).name}, line {where.lineno}"
        wrong = f"the rule could not look{f' at {resource.name}' if resource else ''}: it has a fault ({fault})."
        remedy = f"report the fault, and exempt {rule.name} in policies:exemptions until it is fixed."
        return [Finding(wrong, remedy, resource)]


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
