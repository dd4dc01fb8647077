"""Fault: public addresses are random ones of 127/8 (Elastic) and 54.214/16 (automatic): not unique, not reachable.

Here both come from the sandbox's own pool, lowest free first, and return to it.
"""

from __future__ import annotations

import ipaddress
from typing import Any

from moto.ec2.models import ec2_backends, elastic_ip_addresses, elastic_network_interfaces

from sandbox.cloud.addresses import PUBLIC_POOL


def apply(region: str) -> None:
    def free_address() -> str:
        return next(str(host) for host in ipaddress.ip_network(PUBLIC_POOL).hosts() if str(host) not in _used(region))

    elastic_ip_addresses.random_ip = free_address
    elastic_network_interfaces.random_public_ip = free_address


def _used(region: str) -> set[str]:
    used: set[str] = set()
    for regions in list(ec2_backends.values()):
        backend: Any = regions[region]
        used |= {address.public_ip for address in backend.addresses}
        used |= {interface.public_ip for interface in list(backend.enis.values()) if interface.public_ip}
    return used
