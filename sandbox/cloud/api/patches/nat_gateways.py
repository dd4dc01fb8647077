"""Fault: a NAT gateway that is deleted keeps its interface and its Elastic IP, and one that does not exist crashes.
Fault: AvailabilityMode and IsPrimary are not read back; a gateway without an Elastic IP is taken.
Fault: a route may lead to a NAT gateway that does not exist.
"""

from __future__ import annotations

from typing import Any

from moto.ec2.exceptions import EC2ClientError, InvalidParameterCombination
from moto.ec2.models.nat_gateways import NatGateway, NatGatewayBackend
from moto.ec2.models.route_tables import RouteBackend
from moto.ec2.responses.nat_gateways import NatGateways

from sandbox.cloud.api.limits import Limits

_LIMITS = Limits(EC2ClientError, "NAT gateways", "ec2")
_HONOURED = {"ConnectivityType": ("public",), "AvailabilityMode": ("zonal",)}
_LOOKED_AT = (
    "AvailabilityZoneAddresses", "PrivateIpAddress", "SecondaryAllocationIds", "SecondaryPrivateIpAddresses",
    "SecondaryPrivateIpAddressCount", "VpcId", *_HONOURED,
)  # fmt: skip


def apply(region: str) -> None:
    create, create_request = NatGatewayBackend.create_nat_gateway, NatGateways.create_nat_gateway
    create_route = RouteBackend.create_route

    def create_modelled(self: Any) -> Any:
        _LIMITS.check("CreateNatGateway", _HONOURED, ((name, self._get_param(name)) for name in _LOOKED_AT))
        return create_request(self)

    def create_checked(self: Any, subnet_id: str, allocation_id: str, *rest: Any, **named: Any) -> Any:
        if not allocation_id:
            raise InvalidParameterCombination("AllocationId is required for a public NAT gateway")
        gateway = create(self, subnet_id, allocation_id, *rest, **named)
        gateway.address_set = [told | {"isPrimary": True, "status": "succeeded"} for told in gateway.address_set]
        return gateway

    def delete(self: Any, nat_gateway_id: str) -> Any:
        gateway = existing(self, nat_gateway_id)
        for address in [a for a in self.addresses if a.eni is gateway._eni]:
            self.disassociate_address(association_id=address.association_id)
        self.enis.pop(gateway._eni.id, None)
        gateway.state = "deleted"
        return gateway

    def create_route_checked(self: Any, *arguments: Any, **named: Any) -> Any:
        if named.get("nat_gateway_id"):
            existing(self, named["nat_gateway_id"])
        return create_route(self, *arguments, **named)

    NatGateway.availability_mode = "zonal"
    NatGateways.create_nat_gateway = create_modelled
    NatGatewayBackend.create_nat_gateway = create_checked
    NatGatewayBackend.delete_nat_gateway = delete
    RouteBackend.create_route = create_route_checked


def existing(backend: Any, gateway_id: str) -> Any:
    gateway = backend.nat_gateways.get(gateway_id)
    if gateway is None or gateway.state == "deleted":
        raise EC2ClientError("NatGatewayNotFound", f"The Nat Gateway {gateway_id} was not found")
    return gateway
