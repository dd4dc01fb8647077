"""Fault: a load balancer has no network interfaces, so no addresses, and neither its subnets nor its security groups
are in use. Groups and subnets of other networks are taken.

Here each subnet has one interface of the load balancer, with a public address where it faces the internet.
"""

from __future__ import annotations

from typing import Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import elastic_network_interfaces
from moto.ec2.models.elastic_network_interfaces import NetworkInterfaceBackend
from moto.elbv2.exceptions import ELBClientError, SubnetNotFoundError
from moto.elbv2.models import AvailabilityZone, ELBv2Backend, FakeLoadBalancer

from sandbox.cloud.balancer.snapshot import interfaces_of


def apply(region: str) -> None:
    create, delete = ELBv2Backend.create_load_balancer, ELBv2Backend.delete_load_balancer
    set_groups = ELBv2Backend.set_security_groups
    delete_interface = NetworkInterfaceBackend.delete_network_interface

    def create_with_nodes(
        self: Any,
        name: str,
        security_groups: list[str],
        subnet_ids: list[str],
        subnet_mappings: list[dict[str, str]] | None = None,
        *rest: Any,
        **named: Any,
    ) -> Any:
        wanted = _wanted(self, subnet_ids, subnet_mappings)
        _require_groups(self.ec2_backend, security_groups, wanted[0])
        balancer = create(self, name, security_groups, [], [{"SubnetId": key} for key in wanted], *rest, **named)
        balancer.interface_ids = {}
        try:
            _add_nodes(self.ec2_backend, balancer, wanted)
        except Exception:
            _remove_nodes(self.ec2_backend, balancer, list(balancer.interface_ids))
            del self.load_balancers[balancer.arn]
            raise
        return balancer

    def delete_with_nodes(self: Any, arn: str) -> None:
        balancer = self.load_balancers.get(arn)
        delete(self, arn)
        if balancer is not None:
            _remove_nodes(self.ec2_backend, balancer, list(balancer.interface_ids))

    def set_security_groups(self: Any, arn: str, sec_groups: list[str]) -> None:
        balancer = self.load_balancers.get(arn)
        if balancer is not None:
            if not balancer.security_groups or not sec_groups:
                raise ELBClientError(
                    "InvalidConfigurationRequest",
                    "A network load balancer that was created without security groups cannot get one, and one that "
                    "was created with them must keep at least one",
                )
            _require_groups(self.ec2_backend, sec_groups, balancer.subnets[0].id)
        set_groups(self, arn, sec_groups)
        for interface in interfaces_of(self.ec2_backend, balancer):
            interface._group_set = [self.ec2_backend.get_security_group_from_id(group) for group in sec_groups]

    def set_subnets(self: Any, arn: str, subnets: list[str], subnet_mappings: list[dict[str, Any]]) -> Any:
        (balancer,) = self.describe_load_balancers([arn], [])
        wanted = _wanted(self, subnets, subnet_mappings)
        _add_nodes(self.ec2_backend, balancer, [key for key in wanted if key not in balancer.interface_ids])
        _remove_nodes(self.ec2_backend, balancer, [key for key in balancer.interface_ids if key not in wanted])
        balancer.subnets = [self.ec2_backend.get_subnet(key) for key in wanted]
        return balancer.availability_zones

    def delete_own_interface(self: Any, eni_id: str) -> None:
        interface = self.enis.get(eni_id)
        if interface is not None and interface.requester_managed:
            raise EC2ClientError("OperationNotPermitted", f"{eni_id} belongs to a load balancer and goes with it")
        delete_interface(self, eni_id)

    ELBv2Backend.create_load_balancer = create_with_nodes
    ELBv2Backend.delete_load_balancer = delete_with_nodes
    ELBv2Backend.set_security_groups = set_security_groups
    ELBv2Backend.set_subnets = set_subnets
    NetworkInterfaceBackend.delete_network_interface = delete_own_interface
    FakeLoadBalancer.availability_zones = property(lambda self: [AvailabilityZone(subnet) for subnet in self.subnets])


def _wanted(backend: Any, subnet_ids: list[str], mappings: list[dict[str, str]] | None) -> list[str]:
    """The ids of the subnets that are wanted. One subnet a zone, all of one network."""
    wanted = list(dict.fromkeys([*(subnet_ids or []), *(mapping["SubnetId"] for mapping in mappings or [])]))
    try:
        subnets = [backend.ec2_backend.get_subnet(subnet_id) for subnet_id in wanted]
    except EC2ClientError:
        raise SubnetNotFoundError() from None
    if not subnets:
        raise SubnetNotFoundError()
    if len({subnet.availability_zone for subnet in subnets}) < len(subnets):
        raise ELBClientError(
            "InvalidConfigurationRequest", "A load balancer cannot be attached to multiple subnets in the same zone"
        )
    if len({subnet.vpc_id for subnet in subnets}) > 1:
        raise ELBClientError("InvalidConfigurationRequest", "All subnets must belong to the same VPC")
    return wanted


def _require_groups(ec2: Any, group_ids: list[str] | None, subnet_id: str) -> None:
    vpc_id = ec2.get_subnet(subnet_id).vpc_id
    for group_id in group_ids or []:
        group = ec2.get_security_group_from_id(group_id)
        if group is None or group.vpc_id != vpc_id:
            raise ELBClientError(
                "InvalidConfigurationRequest" if group else "InvalidSecurityGroup",
                f"The security group '{group_id}' does not exist in the VPC '{vpc_id}'",
            )


def _add_nodes(ec2: Any, balancer: Any, subnet_ids: list[str]) -> None:
    for subnet_id in subnet_ids:
        subnet = ec2.get_subnet(subnet_id)
        if balancer.scheme != "internal" and not any(
            gateway.vpc is not None and gateway.vpc.id == subnet.vpc_id for gateway in ec2.internet_gateways.values()
        ):
            raise ELBClientError("InvalidSubnet", f"VPC {subnet.vpc_id} has no internet gateway")
        interface = ec2.create_network_interface(
            subnet,
            group_ids=list(balancer.security_groups or ()),
            description=f"ELB {balancer.arn.partition('loadbalancer/')[2]}",
        )
        balancer.interface_ids[subnet_id] = interface.id
        interface.requester_managed, interface.status = True, "in-use"
        interface.interface_type = "network_load_balancer"
        if not balancer.security_groups:
            interface._group_set = []
        if balancer.scheme != "internal":
            interface.public_ip = elastic_network_interfaces.random_public_ip()


def _remove_nodes(ec2: Any, balancer: Any, subnet_ids: list[str]) -> None:
    for subnet_id in subnet_ids:
        ec2.enis.pop(balancer.interface_ids.pop(subnet_id), None)
