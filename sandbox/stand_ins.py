"""What stands in for what: the one list of everything that is not the original, and how each differs.

Names that the sandbox serves to machines (registries, repositories) are in sandbox.internet.substitutions.
"""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.engine.command.schema import NAME, RESOURCES, VERSION


@dataclass(frozen=True)
class StandIn:
    """`original` is what runs on AWS or with an official Pulumi, `replacement` what runs here instead."""

    original: str
    replacement: str
    difference: str

    def __str__(self) -> str:
        return f"{self.original}: {self.replacement}; {self.difference}"


_COMMANDS = " and ".join(token.removeprefix(f"{NAME}:").replace(":", ".") for token in RESOURCES)

STAND_INS = (
    StandIn(
        f"Pulumi plugin {NAME} {VERSION}", "sandbox/engine/command, in Python",
        f"only {_COMMANDS} with the properties in use, others are refused by name",
    ),
    StandIn(
        "Pulumi language host for Python", "sandbox/engine/language_host.py",
        "only virtualenv; installs nothing, makes no SDKs and projects",
    ),
    StandIn("AWS's API", "moto, patched", "calls that it does not model are refused as SandboxNotModelled"),
    StandIn("EC2 instances", "containers of runc with systemd", "their kernel is this host's"),
    StandIn("network load balancers", "haproxy for each", "its nodes are backends of one process, not machines"),
    StandIn("security groups", "nftables in a network namespace", "rules count, quotas do not"),
    StandIn("VPC resolver", "a DNS server in the supervisor",
        "remembers nothing but names that do not exist, and those until the supervisor ends"),
)  # fmt: skip
