"""Which address is whose: arithmetic on the cluster's networks. Pure.

The VPC is cut into sixteen equal blocks, however many zones are in use, so that a zone added later moves nothing:
block i is the public subnet of zone i, block 8 + i the private one. Within a subnet the second sixteen addresses
are kept for machines with an address of their own; AWS gives the rest to whoever asks.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import Final

BLOCKS: Final = 16
MAX_ZONES: Final = 6
MAX_FIXED_PER_KIND: Final = 7

_BLOCK_BITS: Final = 4
_FIRST_PRIVATE_BLOCK: Final = 8
_FIXED_OFFSET: Final = 16
_FIXED_PREFIX: Final = 28
_CONTROL_PLANE_OFFSET: Final = 16
_ETCD_OFFSET: Final = 24
_RESERVED_BY_AWS: Final = 5


@dataclass(frozen=True)
class ZoneSubnets:
    """The two subnets of one availability zone, in CIDR notation."""

    public: str
    private: str


def zone_subnets(vpc_cidr: str, zones: int) -> tuple[ZoneSubnets, ...]:
    """The subnets of the first `zones` zones (1 to 6). ValueError for more, or for a VPC smaller than /22."""
    if not 1 <= zones <= MAX_ZONES:
        raise ValueError(f"{zones} zones: the address plan has room for 1 to {MAX_ZONES}")
    vpc = IPv4Network(vpc_cidr)
    if vpc.prefixlen > 22:
        raise ValueError(f"{vpc_cidr} is too small to be cut into {BLOCKS} subnets of 64 addresses; use /22 or larger")
    blocks = list(vpc.subnets(prefixlen_diff=_BLOCK_BITS))
    return tuple(ZoneSubnets(str(blocks[i]), str(blocks[_FIRST_PRIVATE_BLOCK + i])) for i in range(zones))


def fixed_range(subnet_cidr: str) -> str:
    """The part of a subnet (a /28) that AWS must not give away by itself: reserve it explicitly."""
    subnet = _subnet(subnet_cidr)
    return str(IPv4Network((int(subnet.network_address) + _FIXED_OFFSET, _FIXED_PREFIX)))


def control_plane_address(subnet_cidr: str, index: int) -> str:
    """The fixed address of control-plane machine `index` (from 0, counted over all zones) in its subnet."""
    return _fixed_address(subnet_cidr, _CONTROL_PLANE_OFFSET, index)


def etcd_address(subnet_cidr: str, index: int) -> str:
    """The fixed address of etcd machine `index` (from 0, counted over all zones) in its subnet."""
    return _fixed_address(subnet_cidr, _ETCD_OFFSET, index)


def zone_of(index: int, zones: int) -> int:
    """The zone (from 0) of machine `index`: machines of a kind go round the zones."""
    return index % zones


def dynamic_capacity(subnet_cidr: str) -> int:
    """How many addresses of a subnet are left for machines without a fixed one."""
    subnet = _subnet(subnet_cidr)
    return subnet.num_addresses - _RESERVED_BY_AWS - IPv4Network((0, _FIXED_PREFIX)).num_addresses


def _fixed_address(subnet_cidr: str, offset: int, index: int) -> str:
    if not 0 <= index < MAX_FIXED_PER_KIND:
        raise ValueError(f"machine {index}: a subnet keeps fixed addresses for 0 to {MAX_FIXED_PER_KIND - 1}")
    return str(IPv4Address(int(_subnet(subnet_cidr).network_address) + offset + index))


def _subnet(subnet_cidr: str) -> IPv4Network:
    subnet = IPv4Network(subnet_cidr)
    if subnet.prefixlen > 26:
        raise ValueError(f"{subnet_cidr} has {subnet.num_addresses} addresses; a subnet needs 64 or more (/26)")
    return subnet
