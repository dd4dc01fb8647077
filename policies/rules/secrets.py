"""Secrets where they can be read: user data, command lines, plain parameters. Pure. Never repeats what it finds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from policies.delivered import user_data
from policies.machines import COMMAND, INSTANCE, LAUNCH_TEMPLATE
from policies.model import Context, Finding, Resource, ResourceRule, Severity
from policies.values import UNKNOWN, known, texts

_LOCAL_COMMAND: Final = "command:local:Command"
_PARAMETER: Final = "aws:ssm/parameter:Parameter"
# What a secret looks like; the names say what was found, since the text itself must not be shown.
_PATTERNS: Final = {
    "a private key": re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----"),
    "a private key in base64": re.compile(
        r"LS0tLS1CRUdJTi(?:B[A-Za-z0-9+/]*)?(?:UFJJVkFURSBLRVk|QUklWQVRFIEtFW|BSSVZBVEUgS0VZ)"
    ),
    "a bootstrap token": re.compile(r"(?<![\w.-])(?!abcdef\.0123456789abcdef)[a-z0-9]{6}\.[a-z0-9]{16}(?![\w.-])"),
    "a certificate key of kubeadm": re.compile(r"certificate-?key[\"']?[\s:=]+[\"']?[0-9a-f]{64}\b", re.IGNORECASE),
    "an AWS access key": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a kubeconfig with a key": re.compile(r"client-key-data:\s*\S"),
    "a bearer token": re.compile(r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}"),
    "a password": re.compile(
        r"(?:password|passwd|secret[_-]?key|secret_?access_?key)[\"']?\s*[:=]\s*[\"']?(?![\"'$<{%*]|\s|null\b|none\b)\S{8,}",
        re.IGNORECASE,
    ),
}


def kinds_of_secrets(text: str) -> list[str]:
    """What kinds of secrets a text holds, by name."""
    return [name for name, pattern in _PATTERNS.items() if pattern.search(text)]


def in_user_data(resource: Resource, context: Context) -> Iterable[Finding]:
    if resource.type not in (INSTANCE, LAUNCH_TEMPLATE):
        return
    for kind in kinds_of_secrets(user_data(resource)):
        yield Finding(
            f"the user data of {resource.name} holds {kind}.",
            "put it into an SSM SecureString parameter that only the machine's role may read, and fetch it at boot.",
            resource,
        )


def in_commands(resource: Resource, context: Context) -> Iterable[Finding]:
    if resource.type not in (COMMAND, _LOCAL_COMMAND):
        return
    for key in ("create", "update", "delete", "environment", "triggers"):
        for kind in sorted({kind for text in _known_texts(resource.get(key)) for kind in kinds_of_secrets(text)}):
            yield Finding(
                f"{key} of {resource.name} holds {kind}.",
                "give it to the command through stdin, as a secret output.",
                resource,
            )


def _known_texts(value: Any) -> Iterator[str]:
    if known(value):
        yield from texts(value)


def in_parameters(resource: Resource, context: Context) -> Iterable[Finding]:
    if resource.type != _PARAMETER or resource.get("type") in (UNKNOWN, "SecureString"):
        return
    for key in ("value", "insecureValue"):
        value = resource.get(key)
        for kind in kinds_of_secrets(value) if isinstance(value, str) else ():
            yield Finding(
                f"{resource.name} keeps {kind} in a parameter of type {resource.get('type')}.",
                'set type to "SecureString" and use value, not insecure_value.',
                resource,
            )


def host_keys_are_verified(resource: Resource, context: Context) -> Iterable[Finding]:
    if resource.type != COMMAND or resource.get("connection") in (UNKNOWN, None):
        return
    for path, what in ((("connection",), "its machine"), (("connection", "proxy"), "its bastion")):
        end = resource.get(*path)
        if isinstance(end, dict) and not (end.get("hostKey") is UNKNOWN or end.get("hostKey")):
            yield Finding(
                f"{resource.name} doesn't check the host key of {what}.",
                f"set {'.'.join(path)}.host_key to the machine's own key.",
                resource,
            )


RULES = (
    ResourceRule(
        "no-secrets-in-user-data",
        "User data holds no secret.",
        "every process on the machine reads user data, and so does everyone who may describe instances.",
        Severity.CRITICAL,
        check=in_user_data,
    ),
    ResourceRule(
        "no-secrets-in-commands",
        "Command lines and their environment hold no secret.",
        "command lines are visible in the process list, in logs, in error messages and in every preview.",
        Severity.CRITICAL,
        check=in_commands,
    ),
    ResourceRule(
        "no-secrets-in-plain-parameters",
        "Parameters that hold a secret are SecureStrings.",
        "a plain parameter is not encrypted, and is shown to everyone who may list parameters.",
        Severity.CRITICAL,
        check=in_parameters,
    ),
    ResourceRule(
        "host-keys-are-verified",
        "Remote commands check the host key of the machine.",
        "otherwise whoever answers at that address is sent the keys of the cluster's certificate authorities.",
        Severity.HIGH,
        check=host_keys_are_verified,
    ),
)
