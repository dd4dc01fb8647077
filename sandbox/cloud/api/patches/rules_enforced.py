"""Not a fault of moto: what the sandbox's firewall cannot enforce is refused where it is asked for.

A rule that is taken and not enforced would let a program pass that AWS would stop, or the other way round.
"""

from __future__ import annotations

from typing import Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.security_groups import SecurityGroupBackend

_ENFORCED = ("-1", "tcp", "udp", "icmp", "4", "6", "17", "1", "all")


def apply(region: str) -> None:
    for name in ("authorize_security_group_ingress", "authorize_security_group_egress"):
        setattr(SecurityGroupBackend, name, _checked(getattr(SecurityGroupBackend, name)))


def _checked(authorize: Any) -> Any:
    def authorize_enforced(
        self: Any,
        group_name_or_id: str,
        ip_protocol: str,
        from_port: Any,
        to_port: Any,
        ip_ranges: Any,
        *rest: Any,
        **named: Any,
    ) -> Any:
        if str(ip_protocol).lower() not in _ENFORCED:
            _refuse(f"protocol {ip_protocol}", f"{', '.join(_ENFORCED[:5])}")
        if any("CidrIpv6" in peer for peer in ip_ranges or [] if isinstance(peer, dict)):
            _refuse("an IPv6 range as peer", "IPv4 ranges and groups")
        if named.get("prefix_list_ids"):
            _refuse("a prefix list as peer", "IPv4 ranges and groups")
        return authorize(self, group_name_or_id, ip_protocol, from_port, to_port, ip_ranges, *rest, **named)

    return authorize_enforced


def _refuse(what: str, modelled: str) -> None:
    raise EC2ClientError(
        "SandboxNotModelled",
        f"the sandbox's firewall does not enforce {what} in a security group rule: only {modelled}",
    )
