"""Fault: a load balancer has no network interfaces, so no addresses, and neither its subnets nor its security groups
are in use; the addresses that a subnet mapping asks for are dropped. Groups and subnets of other networks are taken.

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
        mappings = _mappings(self, subnet_ids, subnet_mappings)
        _require_groups(self.ec2_backend, security_groups, mappings)
        balancer = create(self, name, security_groups, [], [{"SubnetId": key} for key in mappings], *rest, **named)
        balancer.interface_ids = {}
        try:
            _add_nodes(self.ec2_backend, balancer, mappings)
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
            _require_groups(self.ec2_backend, sec_groups, {subnet.id: {} for subnet in balancer.subnets})
        set_groups(self, arn, sec_groups)
        for interface in interfaces_of(self.ec2_backend, balancer):
            interface._group_set = [self.ec2_backend.get_security_group_from_id(group) for group in sec_groups]

    def set_subnets(self: Any, arn: str, subnets: list[str], subnet_mappings: list[dict[str, Any]]) -> Any:
        (balancer,) = self.describe_load_balancers([arn], [])
        mappings = _mappings(self, subnets, subnet_mappings)
        _add_nodes(self.ec2_backend, balancer, {k: m for k, m in mappings.items() if k not in balancer.interface_ids})
        _remove_nodes(self.ec2_backend, balancer, [key for key in balancer.interface_ids if key not in mappings])
        balancer.subnets = [self.ec2_backend.get_subnet(key) for key in mappings]
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
    FakeLoadBalancer.availability_zones = property(_zones_of)


def _mappings(backend: Any, subnet_ids: list[str], mappings: list[dict[str, str]] | None) -> dict[str, dict[str, str]]:
    """What is wanted of each subnet, by subnet id. One subnet a zone, all of one network."""
    wanted: dict[str, dict[str, str]] = {subnet_id: {} for subnet_id in subnet_ids or []}
    wanted |= {mapping["SubnetId"]: mapping for mapping in mappings or []}
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


def _require_groups(ec2: Any, group_ids: list[str] | None, mappings: dict[str, Any]) -> None:
    vpc_id = ec2.get_subnet(next(iter(mappings))).vpc_id
    for group_id in group_ids or []:
        group = ec2.get_security_group_from_id(group_id)
        if group is None or group.vpc_id != vpc_id:
            raise ELBClientError(
                "InvalidConfigurationRequest" if group else "InvalidSecurityGroup",
                f"The security group '{group_id}' does not exist in the VPC '{vpc_id}'",
            )


def _add_nodes(ec2: Any, balancer: Any, mappings: dict[str, dict[str, str]]) -> None:
    for subnet_id, wanted in mappings.items():
        subnet = ec2.get_subnet(subnet_id)
        if balancer.scheme != "internal" and not any(
            gateway.vpc is not None and gateway.vpc.id == subnet.vpc_id for gateway in ec2.internet_gateways.values()
        ):
            raise ELBClientError("InvalidSubnet", f"VPC {subnet.vpc_id} has no internet gateway")
        interface = ec2.create_network_interface(
            subnet,
            wanted.get("PrivateIPv4Address"),
            group_ids=list(balancer.security_groups or ()),
            description=f"ELB {balancer.arn.partition('loadbalancer/')[2]}",
        )
        balancer.interface_ids[subnet_id] = interface.id
        interface.requester_managed, interface.status = True, "in-use"
        interface.interface_type = "network_load_balancer"
        interface.address_was_asked_for = bool(wanted.get("PrivateIPv4Address"))
        if not balancer.security_groups:
            interface._group_set = []
        if wanted.get("AllocationId"):
            ec2.associate_address(eni=interface, allocation_id=wanted["AllocationId"])
        elif balancer.scheme != "internal":
            interface.public_ip = elastic_network_interfaces.random_public_ip()


def _remove_nodes(ec2: Any, balancer: Any, subnet_ids: list[str]) -> None:
    for subnet_id in subnet_ids:
        interface = ec2.enis.pop(balancer.interface_ids.pop(subnet_id), None)
        for address in [a for a in ec2.addresses if interface is not None and a.eni is interface]:
            ec2.disassociate_address(association_id=address.association_id)


def _zones_of(balancer: Any) -> list[Any]:
    """The zones; with the addresses that were asked for, as AWS shows them for those alone."""
    zones = []
    for subnet, interface in zip(
        balancer.subnets, interfaces_of(balancer.subnets[0].ec2_backend, balancer), strict=False
    ):
        zone = AvailabilityZone(subnet)
        allocation = (interface.association or {}).get("allocationId")
        if allocation:
            zone.load_balancer_addresses = [{"IpAddress": interface.public_ip, "AllocationId": allocation}]
        elif interface.address_was_asked_for:
            zone.load_balancer_addresses = [{"PrivateIPv4Address": interface.private_ip_address}]
        zones.append(zone)
    return zones
