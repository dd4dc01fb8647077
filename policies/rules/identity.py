"""Least privilege: what roles may do, who may have them, and that they aren't shared. Pure."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, Final

from policies.machines import INSTANCE, LAUNCH_TEMPLATE, WORKER, machine_name
from policies.model import Context, Finding, Resource, ResourceRule, Severity, Stack, StackRule
from policies.values import at, items, texts

ROLE: Final = "aws:iam/role:Role"
PROFILE: Final = "aws:iam/instanceProfile:InstanceProfile"
_DOCUMENTS: Final = {
    "aws:iam/rolePolicy:RolePolicy",
    "aws:iam/policy:Policy",
    "aws:iam/userPolicy:UserPolicy",
    "aws:iam/groupPolicy:GroupPolicy",
}
_ATTACHMENTS: Final = {
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    "aws:iam/policyAttachment:PolicyAttachment",
    "aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive",
}
# On every resource these read secrets, take other roles, or destroy what the cluster lives on.
_SENSITIVE: Final = (
    "iam:PassRole", "sts:AssumeRole", "ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath",
    "ssm:SendCommand", "secretsmanager:GetSecretValue", "kms:Decrypt", "s3:GetObject", "s3:PutObject",
    "s3:DeleteObject", "s3:DeleteObjectVersion", "ec2:TerminateInstances", "ec2:DeleteVolume", "ec2:RunInstances",
)  # fmt: skip
_BROAD_MANAGED: Final = ("AdministratorAccess*", "PowerUserAccess", "IAMFullAccess", "*FullAccess")


def no_wildcards(resource: Resource, context: Context) -> Iterable[Finding]:
    if resource.type in _DOCUMENTS:
        yield from _in_document(resource, resource.get("policy"))
    if resource.type == ROLE:
        for inline in items(resource.get("inlinePolicies")):
            yield from _in_document(resource, at(inline, "policy"))
        for arn in items(resource.get("managedPolicyArns")):
            yield from _broad(resource, arn)
    if resource.type in _ATTACHMENTS:
        for arn in (resource.get("policyArn"), *items(resource.get("policyArns"))):
            yield from _broad(resource, arn)


def _in_document(resource: Resource, text: object) -> Iterator[Finding]:
    for statement in _statements(text):
        if statement.get("Effect") != "Allow":
            continue
        everywhere = "*" in _list(statement.get("Resource"))
        narrowed = bool(statement.get("Condition"))
        for key in ("NotAction", "NotResource"):
            if key in statement:
                yield Finding(
                    f"{resource.name} allows everything except what {key} names.", "name what is allowed.", resource
                )
        for action in _list(statement.get("Action")):
            service, _, verb = str(action).partition(":")
            if action == "*" or service == "*":
                yield Finding(f"{resource.name} allows every action.", "name the actions that are needed.", resource)
            elif verb == "*" and everywhere:
                yield Finding(
                    f"{resource.name} allows {action} on every resource.",
                    "name the actions and the resources.",
                    resource,
                )
            elif (
                everywhere and not narrowed and any(fnmatchcase(one.lower(), str(action).lower()) for one in _SENSITIVE)
            ):
                yield Finding(
                    f"{resource.name} allows {action} on every resource.",
                    "name the resources by ARN, or add a Condition on the cluster's tag.",
                    resource,
                )


def _broad(resource: Resource, arn: object) -> Iterator[Finding]:
    name = str(arn).rpartition("/")[2] if isinstance(arn, str) else ""
    if any(fnmatchcase(name, pattern) for pattern in _BROAD_MANAGED):
        yield Finding(f"{resource.name} attaches {name}.", "write a policy with the actions that are needed.", resource)


def trust_is_narrow(resource: Resource, context: Context) -> Iterable[Finding]:
    if resource.type != ROLE:
        return
    for statement in _statements(resource.get("assumeRolePolicy")):
        principal = statement.get("Principal")
        named = [item for value in principal.values() for item in _list(value)] if isinstance(principal, dict) else []
        anyone = principal == "*" or "*" in named or "NotPrincipal" in statement
        if statement.get("Effect") == "Allow" and anyone and not statement.get("Condition"):
            yield Finding(
                f"anyone may assume the role {resource.name}.",
                'name who may: for machines, {"Service": "ec2.amazonaws.com"}.',
                resource,
            )


def roles_are_not_shared(stack: Stack, context: Context) -> Iterable[Finding]:
    users: dict[str, set[str]] = defaultdict(set)
    for machine in stack.of_type(INSTANCE, LAUNCH_TEMPLATE):
        for role in _roles(stack, machine):
            users[role].add(_kind(machine))
    for role, kinds in sorted(users.items()):
        if len(kinds) > 1:
            yield Finding(
                f"the role {role} is shared by {', '.join(sorted(kinds))} machines.",
                "give each kind of machine a role of its own, with its own instance profile.",
            )


def _kind(machine: Resource) -> str:
    if machine.type == LAUNCH_TEMPLATE:
        return WORKER
    name = machine_name(machine)
    return name[0] if name else "other"


def _roles(stack: Stack, machine: Resource) -> set[str]:
    """Names of the roles behind a machine's instance profile: by reference, or by the profile's name or ARN."""
    profiles = {
        profile.name: profile for profile in stack.referred(machine, "iamInstanceProfile") if profile.type == PROFILE
    }
    value = machine.get("iamInstanceProfile")
    said = list(texts(value))
    for profile in stack.of_type(PROFILE):
        if any(isinstance(item, str) and item in said for item in (profile.get("name"), profile.get("arn"))):
            profiles[profile.name] = profile
    return {role for profile in profiles.values() for role in _role_of(stack, profile)}


def _role_of(stack: Stack, profile: Resource) -> set[str]:
    referred = {role.name for role in stack.referred(profile, "role") if role.type == ROLE}
    name = profile.get("role")
    return referred or ({name} if isinstance(name, str) else set())


def _statements(text: object) -> list[Mapping[str, Any]]:
    """The statements of a policy document; none of one that is unknown or no JSON, which AWS refuses."""
    try:
        document = json.loads(text) if isinstance(text, str) else text
    except ValueError:
        return []
    found = _list(document.get("Statement")) if isinstance(document, dict) else []
    return [statement for statement in found if isinstance(statement, dict)]


def _list(value: object) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


RULES = (
    ResourceRule(
        "iam-names-actions-and-resources",
        "No role may do everything, or do anything sensitive on every resource.",
        "a pod that breaks out of its container has its machine's role, and may do whatever that role may do.",
        Severity.CRITICAL,
        check=no_wildcards,
    ),
    ResourceRule(
        "iam-trust-is-narrow",
        "Only named principals can assume roles.",
        "a role that anyone may assume makes every other limit on it void.",
        Severity.CRITICAL,
        check=trust_is_narrow,
    ),
    StackRule(
        "roles-are-not-shared",
        "etcd, control plane and workers have roles of their own.",
        "with a shared role, a pod that breaks out on a worker may also write join credentials or read snapshots.",
        Severity.HIGH,
        check=roles_are_not_shared,
    ),
)
