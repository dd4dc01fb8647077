"""Security groups, built from the table in traffic.py and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import pulumi_aws as aws
from pulumi import ComponentResource, Input, Output, ResourceOptions

from components.network.traffic import Party, Traffic
from components.tags import Tags

# A group's description cannot change without replacing it, so it says nothing that may.
_DESCRIPTIONS = {
    Party.BASTION: "quorate bastion",
    Party.LOAD_BALANCER: "quorate load balancer of the API",
    Party.PUBLIC_LOAD_BALANCER: "quorate public load balancer of the API",
    Party.CONTROL_PLANE: "quorate control-plane machines",
    Party.ETCD: "quorate etcd machines",
    Party.WORKERS: "quorate worker machines",
    Party.ENDPOINTS: "quorate endpoints of AWS services",
}
_Rule = type[aws.vpc.SecurityGroupIngressRule] | type[aws.vpc.SecurityGroupEgressRule]


class SecurityGroups(ComponentResource):
    """A security group for each party of the table that is not an address range, with its rules."""

    ids: Mapping[Party, Output[str]]

    def __init__(
        self,
        name: str,
        vpc_id: Input[str],
        allowed: Iterable[Traffic],
        addresses: Mapping[Party, Sequence[str]],
        tags: Tags,
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("quorate:network:SecurityGroups", name, None, opts)
        self._tags = tags
        self._addresses = addresses
        rows = tuple(allowed)
        parties = sorted({party for row in rows for party in (row.source, row.target)} - set(addresses))
        self.ids = {
            party: aws.ec2.SecurityGroup(
                f"{name}-{party}",
                vpc_id=vpc_id,
                description=_DESCRIPTIONS[party],
                tags=tags.named(party),
                opts=ResourceOptions(parent=self),
            ).id
            for party in parties
        }
        for row in rows:
            self._rules(f"{name}-in", f"in-{row.name}", aws.vpc.SecurityGroupIngressRule, row, row.target, row.source)
            self._rules(f"{name}-out", f"out-{row.name}", aws.vpc.SecurityGroupEgressRule, row, row.source, row.target)
        self.register_outputs({})

    def _rules(self, name: str, tag: str, rule: _Rule, row: Traffic, owner: Party, peer: Party) -> None:
        """The rules that `owner`'s group needs for a row; none if it is an address range."""
        if owner in self._addresses:
            return
        for suffix, end in self._peers(peer):
            rule(
                f"{name}-{row.name}{suffix}",
                security_group_id=self.ids[owner],
                ip_protocol=row.protocol,
                from_port=row.ports[0],
                to_port=row.ports[1],
                description=row.reason,
                tags=self._tags.named(tag),
                opts=ResourceOptions(parent=self),
                **end,
            )

    def _peers(self, party: Party) -> Iterable[tuple[str, dict[str, Input[str]]]]:
        """A rule takes one CIDR or one group. A CIDR is part of the rule's name: changing one leaves the others."""
        if party in self._addresses:
            return [(f"-{cidr}", {"cidr_ipv4": cidr}) for cidr in self._addresses[party]]
        return [("", {"referenced_security_group_id": self.ids[party]})]
