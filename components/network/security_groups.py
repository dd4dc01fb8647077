"""Security groups, built from the table in traffic.py and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import pulumi_aws as aws
from pulumi import ComponentResource, Input, Output, ResourceOptions

from components.network.traffic import Party, Traffic
from components.tags import Tags


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
                # A group's description cannot change without replacing it, so it says nothing that may.
                description=f"quorate {party} machines",
                tags=tags.named(party),
                opts=ResourceOptions(parent=self),
            ).id
            for party in parties
        }
        for row in rows:
            self._ingress(name, row)
            self._egress(name, row)
        self.register_outputs({})

    def _ingress(self, name: str, row: Traffic) -> None:
        if row.target in self._addresses:
            return
        for suffix, peer in self._peers(row.source):
            aws.vpc.SecurityGroupIngressRule(
                f"{name}-in-{row.name}{suffix}",
                security_group_id=self.ids[row.target],
                ip_protocol=row.protocol,
                from_port=row.ports[0],
                to_port=row.ports[1],
                description=row.reason,
                tags=self._tags.named(f"in-{row.name}"),
                opts=ResourceOptions(parent=self),
                **peer,
            )

    def _egress(self, name: str, row: Traffic) -> None:
        if row.source in self._addresses:
            return
        for suffix, peer in self._peers(row.target):
            aws.vpc.SecurityGroupEgressRule(
                f"{name}-out-{row.name}{suffix}",
                security_group_id=self.ids[row.source],
                ip_protocol=row.protocol,
                from_port=row.ports[0],
                to_port=row.ports[1],
                description=row.reason,
                tags=self._tags.named(f"out-{row.name}"),
                opts=ResourceOptions(parent=self),
                **peer,
            )

    def _peers(self, party: Party) -> Iterable[tuple[str, dict[str, Input[str]]]]:
        """A rule takes one CIDR or one group. A CIDR is part of the rule's name: changing one leaves the others."""
        if party in self._addresses:
            return [(f"-{cidr}", {"cidr_ipv4": cidr}) for cidr in self._addresses[party]]
        return [("", {"referenced_security_group_id": self.ids[party]})]
