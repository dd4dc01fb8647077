"""Fault: a network interface without a given address gets a random one: reserved, taken, or a network's own.
Fault: an address in use, reserved, or outside the subnet is accepted or crashes.

Here addresses are unique in their subnet, and AWS's reserved ones (the first four and the last) are never given.
"""

from __future__ import annotations

import ipaddress
from typing import Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.elastic_network_interfaces import NetworkInterface, NetworkInterfaceBackend

_RESERVED_AT_START = 4


def apply(region: str) -> None:
    original = NetworkInterfaceBackend.create_network_interface

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
        wanted += [item["PrivateIpAddress"] for item in private_ip_addresses or [] if isinstance(item, dict)]
        for address in dict.fromkeys(wanted):
            _require_usable(self, found, address)
        if not wanted:
            private_ip_address = _lowest_free(self, found)
        return original(self, found, private_ip_address, private_ip_addresses, *arguments, **named)

    NetworkInterfaceBackend.create_network_interface = create_network_interface


def _taken(backend: Any, subnet: Any) -> set[str]:
    return {
        item["PrivateIpAddress"]
        for interface in list(backend.enis.values())
        if interface.subnet.id == subnet.id
        for item in interface.private_ip_addresses
    }


def _lowest_free(backend: Any, subnet: Any) -> str:
    network = ipaddress.ip_network(subnet.cidr_block)
    taken = _taken(backend, subnet)
    for number in range(_RESERVED_AT_START, network.num_addresses - 1):
        if str(network[number]) not in taken:
            return str(network[number])
    raise EC2ClientError("InsufficientFreeAddressesInSubnet", f"subnet {subnet.id} has no free address")


def _require_usable(backend: Any, subnet: Any, address: str) -> None:
    network = ipaddress.ip_network(subnet.cidr_block)
    if ipaddress.ip_address(address) not in network:
        raise EC2ClientError("InvalidParameterValue", f"Address {address} does not fall within the subnet's address range")
    number = int(ipaddress.ip_address(address)) - int(network.network_address)
    if number < _RESERVED_AT_START or number == network.num_addresses - 1:
        raise EC2ClientError("InvalidParameterValue", f"Address {address} is in subnet's reserved address range")
    if address in _taken(backend, subnet):
        raise EC2ClientError("InvalidIPAddress.InUse", f"Address {address} is in use.")
