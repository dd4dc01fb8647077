"""Fault: a rule for a protocol that has no ports, such as IP in IP (4), crashes unless ports are given.
Fault: the description of a rule whose peer is a security group is not read back.
Fault: ModifySecurityGroupRules needs ports for every protocol, and leaves the peer group and its description alone.
"""

from __future__ import annotations

from typing import Any

from moto.ec2.exceptions import InvalidSecurityGroupNotFoundError
from moto.ec2.models.security_groups import SecurityGroupBackend, SecurityGroupRule

_WITH_PORTS = {"tcp", "udp", "icmp", "icmpv6", "6", "17", "1", "58"}


def apply(region: str) -> None:
    begin = SecurityGroupRule.__init__

    def begin_with_ports(
        self: Any,
        ec2_backend: Any,
        ip_protocol: str,
        group_id: str,
        from_port: Any,
        to_port: Any,
        *rest: Any,
        **named: Any,
    ) -> None:
        if ip_protocol and ip_protocol.lower() not in _WITH_PORTS:
            from_port, to_port = -1, -1
        begin(self, ec2_backend, ip_protocol, group_id, from_port, to_port, *rest, **named)

    def description(self: Any) -> Any:
        return self.ip_range.get("Description") or self.source_group.get("Description")

    modify = SecurityGroupBackend.modify_security_group_rules

    def modify_rules(self: Any, group_id: str, rules: dict[str, dict[str, Any]]) -> None:
        for wanted in rules.values():
            if str(wanted.get("IpProtocol")).lower() not in _WITH_PORTS:
                wanted.setdefault("FromPort", -1)
                wanted.setdefault("ToPort", -1)
            peer = wanted.get("ReferencedGroupId")
            if peer is not None and self.get_security_group_from_id(peer) is None:
                raise InvalidSecurityGroupNotFoundError(peer)
        modify(self, group_id, rules)
        group = self.get_security_group_by_name_or_id(group_id)
        for rule_id, wanted in rules.items():
            rule = group.get_rule(rule_id)
            rule.from_port, rule.to_port = int(rule.from_port), int(rule.to_port)
            if "ReferencedGroupId" in wanted:
                # A new dictionary: several rules may have been made from one.
                rule.source_group = {**rule.source_group, "GroupId": wanted["ReferencedGroupId"]}
                rule.source_group["Description"] = wanted.get("Description", "")
                rule.ip_range = {}

    SecurityGroupRule.__init__ = begin_with_ports
    SecurityGroupRule.description = property(description)
    SecurityGroupBackend.modify_security_group_rules = modify_rules
