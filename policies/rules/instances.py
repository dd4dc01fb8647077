"""Metadata service, images and types of machines. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from policies.context import highly_available
from policies.machines import INSTANCE, LAUNCH_TEMPLATE, machine_name, voters
from policies.model import Context, Finding, Level, Parameter, Resource, ResourceRule, Severity, Stack, StackRule
from policies.values import UNKNOWN

_MACHINES = (INSTANCE, LAUNCH_TEMPLATE)


def imdsv2(resource: Resource, context: Context) -> Iterable[Finding]:
    if resource.type not in _MACHINES or resource.get("metadataOptions", "httpEndpoint") == "disabled":
        return
    tokens = resource.get("metadataOptions", "httpTokens")
    if tokens is not UNKNOWN and tokens != "required":
        yield Finding(
            f"{resource.name} answers metadata requests without a token (httpTokens is {tokens or 'left out'}).",
            'set metadata_options.http_tokens to "required".',
            resource,
        )


def hop_limit(resource: Resource, context: Context) -> Iterable[Finding]:
    if resource.type not in _MACHINES or resource.get("metadataOptions", "httpEndpoint") == "disabled":
        return
    limit, most = resource.get("metadataOptions", "httpPutResponseHopLimit"), context.parameters["maximum"]
    if limit is None:
        yield Finding(
            f"{resource.name} leaves the hop limit to the defaults of its image or account.",
            f"set metadata_options.http_put_response_hop_limit to {most:g}.",
            resource,
        )
    elif isinstance(limit, int | float) and limit > most:
        yield Finding(
            f"{resource.name} answers metadata requests over {limit:g} hops.",
            f"set metadata_options.http_put_response_hop_limit to {most:g}. If a component on the pod network needs "
            "more, raise this rule's `maximum` in the policy config.",
            resource,
        )


def image_does_not_replace(resource: Resource, context: Context) -> Iterable[Finding]:
    if resource.type != INSTANCE or machine_name(resource) is None:
        return
    watched = ["ami", *(key for key in ("userData", "userDataBase64") if resource.get(key) is not None)]
    missing = [key for key in watched if key not in resource.ignore_changes]
    if missing:
        yield Finding(
            f"a new {' or '.join(missing)} would replace or stop {resource.name}.",
            f"add {', '.join(missing)} to the resource option ignore_changes; replace machines one at a time, "
            "on purpose.",
            resource,
        )


def replaced_in_order(resource: Resource, context: Context) -> Iterable[Finding]:
    if resource.type == INSTANCE and machine_name(resource) is not None and not resource.delete_before_replace:
        yield Finding(
            f"{resource.name} would be created a second time before the first is gone.",
            "give it the resource option delete_before_replace=True.",
            resource,
        )


def burstable_members(stack: Stack, context: Context) -> Iterable[Finding]:
    if not highly_available(context) or len(voters(stack)) < 2:
        return
    for machine in voters(stack):
        kind = machine.instance.get("instanceType")
        if isinstance(kind, str) and kind[:1] == "t" and kind[1:2].isdigit():
            yield Finding(
                f"{machine.name} is a {kind}, whose CPU is limited by credits.",
                "choose a type with dedicated CPUs, such as m7i.large, in quorate:etcd.instanceType (stacked: "
                "quorate:controlPlane.instanceType).",
                machine.instance,
            )


RULES = (
    ResourceRule(
        "imdsv2-is-required",
        "Machines serve metadata only to requests with a session token (IMDSv2).",
        "with version 1 a single forwarded request is enough to steal a machine's role, and with it join credentials "
        "or snapshots.",
        Severity.HIGH,
        check=imdsv2,
    ),
    ResourceRule(
        "metadata-hop-limit",
        "Metadata answers don't reach the pod network.",
        "a pod that reads its node's metadata has the node's role: a worker's lets it read join credentials.",
        Severity.HIGH,
        parameters={"maximum": Parameter({"type": "integer", "minimum": 1, "maximum": 64}, 1)},
        check=hop_limit,
    ),
    ResourceRule(
        "images-do-not-replace-machines",
        "A new machine image or boot script doesn't replace machines that keep data.",
        "images are published every few weeks; without this, an unrelated update replaces every member at once.",
        Severity.CRITICAL,
        check=image_does_not_replace,
    ),
    ResourceRule(
        "machines-are-deleted-before-replaced",
        "A machine that keeps data is deleted before its replacement is created.",
        "its fixed address and its disk can be attached to one instance only, so the new one could not start.",
        Severity.HIGH,
        check=replaced_in_order,
    ),
    StackRule(
        "etcd-is-not-on-burstable-machines",
        "Members of a highly available etcd have dedicated CPUs.",
        "without credits a member answers late, misses heartbeats, and the cluster elects leaders instead of working.",
        Severity.MEDIUM,
        Level.ADVISORY,
        check=burstable_members,
    ),
)
