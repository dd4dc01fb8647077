"""Fault: what others depend on can be deleted: a security group of an interface or of a rule, a subnet with
interfaces, a VPC with security groups or a gateway; a gateway can be detached under public addresses.
Fault: the network ACLs of a deleted VPC stay.
"""

from __future__ import annotations

from typing import Any

from moto.ec2.exceptions import DependencyViolationError, EC2ClientError
from moto.ec2.models.internet_gateways import InternetGatewayBackend
from moto.ec2.models.security_groups import SecurityGroupBackend
from moto.ec2.models.subnets import SubnetBackend
from moto.ec2.models.vpcs import VPCBackend
from moto.ec2.responses.security_groups import SecurityGroups


def apply(region: str) -> None:
    delete_group, delete_group_request = (
        SecurityGroupBackend.delete_security_group,
        SecurityGroups.delete_security_group,
    )
    delete_subnet, delete_vpc = SubnetBackend.delete_subnet, VPCBackend.delete_vpc
    detach_gateway = InternetGatewayBackend.detach_internet_gateway

    def delete_group_checked(self: Any, name: str | None = None, group_id: str | None = None) -> None:
        if group_id and (users := users_of_group(self, group_id)):
            raise DependencyViolationError(f"resource {group_id} has a dependent object: {', '.join(users)}")
        delete_group(self, name, group_id)

    def refuse_default(self: Any) -> Any:
        group = self.ec2_backend.get_security_group_from_id(self._get_param("GroupId") or "")
        if group is not None and group.name == "default":
            raise EC2ClientError(
                "CannotDelete", f'the specified group: "{group.id}" name: "default" cannot be deleted by a user'
            )
        return delete_group_request(self)

    def delete_subnet_checked(self: Any, subnet_id: str) -> Any:
        if users := [eni.id for eni in self.enis.values() if eni.subnet.id == subnet_id]:
            raise DependencyViolationError(
                f"The subnet '{subnet_id}' has dependencies and cannot be deleted: {', '.join(users)}"
            )
        return delete_subnet(self, subnet_id)

    def delete_vpc_checked(self: Any, vpc_id: str) -> Any:
        users = [group.id for group in self.groups[vpc_id].values() if group.name != "default"]
        users += [gateway.id for gateway in self.internet_gateways.values() if gateway.vpc and gateway.vpc.id == vpc_id]
        if users:
            raise DependencyViolationError(
                f"The vpc '{vpc_id}' has dependencies and cannot be deleted: {', '.join(users)}"
            )
        outcome = delete_vpc(self, vpc_id)
        self.network_acls = {key: acl for key, acl in self.network_acls.items() if acl.vpc_id != vpc_id}
        return outcome

    def detach_gateway_checked(self: Any, internet_gateway_id: str, vpc_id: str) -> None:
        if any(eni.public_ip and eni.subnet.vpc_id == vpc_id for eni in self.enis.values()):
            raise DependencyViolationError(
                f"Network {vpc_id} has some mapped public address(es). "
                "Please unmap those public address(es) before detaching the gateway."
            )
        detach_gateway(self, internet_gateway_id, vpc_id)

    SecurityGroupBackend.delete_security_group = delete_group_checked
    SecurityGroups.delete_security_group = refuse_default
    SubnetBackend.delete_subnet = delete_subnet_checked
    VPCBackend.delete_vpc = delete_vpc_checked
    InternetGatewayBackend.detach_internet_gateway = detach_gateway_checked


def users_of_group(backend: Any, group_id: str) -> list[str]:
    """Interfaces that are in the group, and other groups with a rule that names it."""
    users = [eni.id for eni in backend.enis.values() if any(group.id == group_id for group in eni._group_set)]
    for groups in list(backend.groups.values()):
        users += [
            group.id
            for group in groups.values()
            if group.id != group_id
            and any(
                rule.source_group.get("GroupId") == group_id for rule in (*group.ingress_rules, *group.egress_rules)
            )
        ]
    return users
