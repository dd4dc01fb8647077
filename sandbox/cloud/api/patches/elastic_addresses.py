"""Fault: an Elastic IP that moves to another interface stays on the one that it leaves.
Fault: an Elastic IP of an interface does not show the instance that the interface is attached to.
Fault: an Elastic IP can be associated in a VPC without an internet gateway.
"""

from __future__ import annotations

from typing import Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.elastic_ip_addresses import ElasticAddress, ElasticAddressBackend


def apply(region: str) -> None:
    associate = ElasticAddressBackend.associate_address

    def associate_address(
        self: Any,
        instance: Any = None,
        eni: Any = None,
        address: str | None = None,
        allocation_id: str | None = None,
        reassociate: bool = False,
    ) -> Any:
        interface = eni or (instance.nics[0] if instance else None)
        if interface is not None:
            _require_gateway(self, interface.subnet.vpc_id)
            known = self.address_by_allocation([allocation_id]) if allocation_id else self.address_by_ip([address])
            if known[0].eni is not None and known[0].eni is not interface and reassociate:
                self.disassociate_address(association_id=known[0].association_id)
        return associate(self, instance, interface, address, allocation_id, reassociate)

    ElasticAddressBackend.associate_address = associate_address
    ElasticAddress.instance = property(_instance_of, lambda self, value: None)


def _instance_of(address: Any) -> Any:
    interface = getattr(address, "eni", None)
    return interface.instance if interface is not None else None


def _require_gateway(backend: Any, vpc_id: str) -> None:
    if not any(gateway.vpc is not None and gateway.vpc.id == vpc_id for gateway in backend.internet_gateways.values()):
        raise EC2ClientError("Gateway.NotAttached", f"Network {vpc_id} is not attached to any internet gateway")
