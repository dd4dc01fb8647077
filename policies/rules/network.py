"""Routing: source/destination check and NAT. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from policies.context import highly_available
from policies.machines import COMMAND, INSTANCE, INTERFACE, SUBNET, machine_name
from policies.model import Context, Finding, Level, Severity, Stack, StackRule
from policies.values import UNKNOWN, is_false

NAT_GATEWAY: Final = "aws:ec2/natGateway:NatGateway"
# Ways in which the network plugins' manifests say that some packets leave a machine with a pod's own address.
_UNENCAPSULATED: Final = re.compile(
    r"encapsulation:\s*[\"']?(?:None|VXLANCrossSubnet|IPIPCrossSubnet)\b"
    r"|(?:vxlanMode|ipipMode):\s*[\"']?CrossSubnet\b"
    r"|CALICO_IPV4POOL_(?:VXLAN|IPIP)[\"']?\s*\n\s*value:\s*[\"']?CrossSubnet\b"
    r"|\"Type\":\s*\"host-gw\"|\"DirectRouting\":\s*true"
)
_ENCAPSULATED: Final = re.compile(
    r"encapsulation:\s*[\"']?(?:VXLAN|IPIP)\b(?!CrossSubnet)|(?:vxlanMode|ipipMode):\s*[\"']?Always\b"
    r"|CALICO_IPV4POOL_(?:VXLAN|IPIP)[\"']?\s*\n\s*value:\s*[\"']?Always\b|\"Type\":\s*\"vxlan\""
)


def source_check_fits(stack: Stack, context: Context) -> Iterable[Finding]:
    manifests = "\n".join(text for command in stack.of_type(COMMAND) if isinstance(text := command.get("stdin"), str))
    if _UNENCAPSULATED.search(manifests):
        needs_check = False
    elif _ENCAPSULATED.search(manifests):
        needs_check = True
    else:
        return
    for resource in stack.of_type(INSTANCE, INTERFACE):
        value = resource.get("sourceDestCheck")
        machine = machine_name(resource)
        if machine is None or value is UNKNOWN:
            continue
        if needs_check and is_false(value):
            yield Finding(
                f"{resource.name} may send with any address, and its network plugin wraps every packet anyway.",
                "leave source_dest_check out.",
                resource,
            )
        # An instance with an interface of its own takes the interface's setting.
        own = resource.type == INTERFACE or not stack.referred(resource, "primaryNetworkInterface")
        if not needs_check and own and not is_false(value):
            yield Finding(
                f"{resource.name} drops packets with pods' addresses, which its network plugin sends unwrapped.",
                "set source_dest_check to false, or the plugin to VXLAN for every packet.",
                resource,
            )


def nat_in_every_zone(stack: Stack, context: Context) -> Iterable[Finding]:
    gateways = stack.of_type(NAT_GATEWAY)
    zones = {name for subnet in stack.of_type(SUBNET) if isinstance(name := subnet.get("availabilityZone"), str)}
    if highly_available(context) and len(gateways) == 1 and len(zones) > 1:
        yield Finding(
            f"one NAT gateway serves {len(zones)} zones.",
            "set quorate:network.nat to perZone, or accept the risk for what it saves.",
            gateways[0],
        )


RULES = (
    StackRule(
        "source-check-fits-the-network-plugin",
        "The source/destination check of machines fits how the network plugin sends packets.",
        "if on, it drops packets with pods' addresses; if off without need, a machine can send with another's address.",
        Severity.MEDIUM,
        check=source_check_fits,
    ),
    StackRule(
        "nat-in-every-zone",
        "A highly available cluster has a NAT gateway in each zone.",
        "when the zone of the only gateway is lost, no machine in the others can pull an image or reach AWS.",
        Severity.LOW,
        Level.ADVISORY,
        check=nat_in_every_zone,
    ),
)
