"""Fault: a network interface without a given address gets a random one: reserved, taken, or outside its subnet.
Fault: an address in use, reserved, or outside the subnet is accepted, or crashes.
Fault: an address given at launch is never free again after the instance is gone.
Fault: addresses that a subnet reserves are given like any other.

Here an address belongs to the network interface that has it and to nothing else; AWS's reserved ones (the first four
and the last) are never given.
"""

from __future__ import annotations

import ipaddress
from typing import Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import nat_gateways, vpcs
from moto.ec2.models.elastic_network_interfaces import NetworkInterface, NetworkInterfaceBackend
from moto.ec2.models.nat_gateways import NatGateway
from moto.ec2.models.subnets import Subnet

_RESERVED_AT_START = 4


def apply(region: str) -> None:
    create = NetworkInterfaceBackend.create_network_interface

    def create_network_interface(
        self: Any,
        subnet: Any,
        private_ip_address: Any = None,
        private_ip_addresses: Any = None,
        *arguments: Any,
        **named: Any,
    ) -> NetworkInterface:
        found = self.get_subnet(subnet) if isinstance(subnet, str) else subnet
        wanted = [private_ip_address] if isinstance(private_ip_address, str) else list(private_ip_address or [])
        wanted += [_address_of(item) for item in private_ip_addresses or []]
        for address in dict.fromkeys(wanted):
            require_usable(self, found, address)
        if not wanted:
            private_ip_address = lowest_free(self, found)
        return create(self, found, private_ip_address, private_ip_addresses, *arguments, **named)

    def private_ip(self: Any) -> str | None:
        return self._eni.private_ip_address if hasattr(self, "_eni") else None

    NetworkInterfaceBackend.create_network_interface = create_network_interface
    Subnet.get_available_subnet_ip = lambda self, instance: lowest_free(self.ec2_backend, self)
    Subnet.request_ip = lambda self, ip, instance: require_usable(self.ec2_backend, self, ip)
    Subnet.del_subnet_ip = lambda self, ip: None
    # Both ask for a random address before they make the interface that is to have it.
    nat_gateways.random_private_ip = vpcs.random_private_ip = lambda *_, **__: None
    NatGateway.private_ip = property(private_ip, lambda self, value: None)


def lowest_free(backend: Any, subnet: Any) -> str:
    network = ipaddress.ip_network(subnet.cidr_block)
    taken = _taken(backend, subnet)
    reserved = [reservation.cidr for reservation in subnet._cidr_reservations]
    for number in range(_RESERVED_AT_START, network.num_addresses - 1):
        if str(network[number]) not in taken and not any(network[number] in block for block in reserved):
            return str(network[number])
    raise EC2ClientError(
        "InsufficientFreeAddressesInSubnet",
        f"The specified subnet {subnet.id} does not have enough free addresses to satisfy the request.",
    )


def require_usable(backend: Any, subnet: Any, address: str) -> None:
    network = ipaddress.ip_network(subnet.cidr_block)
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        raise EC2ClientError("InvalidParameterValue", f"invalid value for parameter address: {address}") from None
    if known not in network:
        raise EC2ClientError("InvalidParameterValue", "Address does not fall within the subnet's address range")
    number = int(known) - int(network.network_address)
    if number < _RESERVED_AT_START or number == network.num_addresses - 1:
        raise EC2ClientError("InvalidParameterValue", "Address is in subnet's reserved address range")
    if address in _taken(backend, subnet):
        raise EC2ClientError("InvalidIPAddress.InUse", f"Address {address} is in use.")


def _address_of(item: Any) -> str:
    return str(item["PrivateIpAddress"] if isinstance(item, dict) else item)


def _taken(backend: Any, subnet: Any) -> set[str]:
    return {
        _address_of(item)
        for interface in list(backend.enis.values())
        if interface.subnet.id == subnet.id
        for item in interface.private_ip_addresses
    }
