"""The rules as a pack of pulumi_policy, which the engine asks about each resource and about the stack as a whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pulumi_policy
from pulumi_policy import EnforcementLevel, PolicyConfigSchema, ResourceValidationPolicy, StackValidationPolicy

from policies.catalogue import RULES
from policies.configuration import Configured, StackConfiguration
from policies.evaluate import judged, surely_on_resource, surely_on_stack
from policies.exemptions import EXEMPT, IN_USE, why_unused
from policies.model import Finding, Level, ResourceRule, Rule, message
from policies.plain import Seen

PACK = "quorate"
SOUND = "policy-settings-are-sound"
_LEVELS = {Level.MANDATORY: EnforcementLevel.MANDATORY, Level.ADVISORY: EnforcementLevel.ADVISORY}

Stack = Callable[[], Configured]
Report = Callable[..., None]


def start() -> None:
    """Serves the pack to the engine; returns when the engine ends it."""
    configuration = StackConfiguration()
    configuration.listen()
    pulumi_policy.PolicyPack(PACK, policies(configuration.current))


def policies(stack: Stack) -> list[pulumi_policy.Policy]:
    """One policy for each rule, and two about exemptions. `stack` says, when asked, what its configuration says."""
    seen = Seen()
    made = [
        _on_resource(rule, stack, seen) if isinstance(rule, ResourceRule) else _on_stack(rule, stack, seen)
        for rule in RULES
    ]
    return [*made, _policy_settings_are_sound(stack), _exemptions_in_use(stack, seen)]


def _on_resource(rule: ResourceRule, stack: Stack, seen: Seen) -> pulumi_policy.Policy:
    def validate(args: pulumi_policy.ResourceValidationArgs, report: Report) -> None:
        seen.configured(rule.name, args.get_config())
        found = surely_on_resource(rule, seen.resource(args), stack().context, args.get_config())
        for finding in judged(rule, found, stack().exemptions).violations:
            report(message(rule, finding))

    return ResourceValidationPolicy(validate=validate, **_described(rule))


def _on_stack(rule: Rule, stack: Stack, seen: Seen) -> pulumi_policy.Policy:
    def validate(args: pulumi_policy.StackValidationArgs, report: Report) -> None:
        seen.configured(rule.name, args.get_config())
        found = surely_on_stack(rule, seen.stack(args), stack().context, args.get_config())
        for finding in judged(rule, found, stack().exemptions).violations:
            report(message(rule, finding), finding.resource.urn if finding.resource else None)

    return StackValidationPolicy(validate=validate, **_described(rule))


def _described(rule: Rule) -> dict[str, Any]:
    schema = {name: dict(parameter.schema) for name, parameter in rule.parameters.items()}
    return {
        "name": rule.name,
        "description": rule.says,
        "enforcement_level": _LEVELS[rule.level],
        "severity": pulumi_policy.Severity(rule.severity.value),
        "config_schema": PolicyConfigSchema(schema) if schema else None,
    }


def _policy_settings_are_sound(stack: Stack) -> pulumi_policy.Policy:
    def validate(args: pulumi_policy.StackValidationArgs, report: Report) -> None:
        for problem in stack().problems:
            report(problem)

    return StackValidationPolicy(
        SOUND,
        "What a stack file says to policies is valid; every exemption has its reason.",
        validate,
        EnforcementLevel.MANDATORY,
    )


def _exemptions_in_use(stack: Stack, seen: Seen) -> pulumi_policy.Policy:
    """Reports every exemption with what it lets pass, and those that let nothing pass."""

    def validate(args: pulumi_policy.StackValidationArgs, report: Report) -> None:
        usable, resources = stack().exemptions, seen.stack(args)
        unused, broken = set(usable), dict[str, tuple[Finding, ...]]()
        for rule in RULES:
            if any(one.policy == rule.name for one in usable):
                found = surely_on_stack(rule, resources, stack().context, seen.config(rule.name))
                verdict = judged(rule, found, usable)
                broken[rule.name] = verdict.violations
                for finding, covering in verdict.exempt:
                    unused.discard(covering)
                    urn = finding.resource.urn if finding.resource else None
                    report(f"{rule.name}{EXEMPT}: {covering.reason}\n{finding.wrong}", urn)
        for one in usable:
            if one in unused:
                report(f"{one.policy}{EXEMPT} for {one.resource}, but {why_unused(one, broken.get(one.policy, ()))}")

    return StackValidationPolicy(IN_USE, "Exemptions are few and known.", validate, EnforcementLevel.ADVISORY)
