"""From what pulumi_policy hands over to the rules' own model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi_policy
from pulumi_policy.proxy import UnknownValueError

from policies.model import Resource, Stack
from policies.values import UNKNOWN


def plain(value: Any) -> Any:
    """Proxies as dicts and lists; UNKNOWN where reading would raise."""
    if isinstance(value, Mapping):
        return {key: _item(value, key) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_item(value, index) for index in range(len(value))]
    return value


def _item(value: Any, key: Any) -> Any:
    try:
        return plain(value[key])
    except UnknownValueError:
        return UNKNOWN


class Seen:
    """What was said of each resource, and to each rule, in this preview or update.

    For a stack as a whole the engine gives what AWS says, in which a preview leaves unknown what the program left out.
    """

    def __init__(self) -> None:
        self._inputs: dict[str, Mapping[str, Any]] = {}
        self._configured: dict[str, Mapping[str, Any]] = {}

    def resource(self, args: pulumi_policy.ResourceValidationArgs) -> Resource:
        """A resource by itself: what it refers to is not known. Remembered for the stack."""
        inputs = plain(args.props)
        self._inputs[args.urn] = inputs
        return _resource(args, inputs, {}, {})

    def configured(self, rule: str, config: Mapping[str, Any]) -> None:
        """Remembers what policy config says to a rule, which the engine gives to that rule alone."""
        self._configured[rule] = config

    def config(self, rule: str) -> Mapping[str, Any]:
        return self._configured.get(rule, {})

    def stack(self, args: pulumi_policy.StackValidationArgs) -> Stack:
        """All resources, with their references."""
        return Stack(tuple(self._of_stack(resource) for resource in args.resources))

    def _of_stack(self, resource: pulumi_policy.PolicyResource) -> Resource:
        outputs = plain(resource.props)
        references = {
            key: tuple(other.urn for other in others)
            for key, others in resource.property_dependencies.items()
            if others
        }
        return _resource(resource, self._inputs.get(resource.urn, outputs), outputs, references)


def _resource(
    args: pulumi_policy.ResourceValidationArgs | pulumi_policy.PolicyResource,
    inputs: Mapping[str, Any],
    outputs: Mapping[str, Any],
    references: Mapping[str, tuple[str, ...]],
) -> Resource:
    return Resource(
        type=args.resource_type,
        name=args.name,
        props=inputs,
        outputs=outputs,
        urn=args.urn,
        protect=bool(args.opts.protect),
        ignore_changes=tuple(args.opts.ignore_changes),
        delete_before_replace=bool(args.opts.delete_before_replace),
        references=references,
    )
