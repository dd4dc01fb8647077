"""What a topology costs per month, by part. Pure: list prices times what is declared; traffic is not in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pricing.tables import Prices
from pricing.topology import Kind, Topology, TopologyMachine

NOT_INCLUDED = "traffic (NAT, between zones, to the internet), load-balancer capacity units, requests, tax"
# What etcd of a cluster with some hundred pods holds, for the size of a snapshot; the program can't know it.
SNAPSHOT_MIB: Final = 100


@dataclass(frozen=True)
class CostLine:
    """A part of the bill: `count` of `unit`, USD per month each; None where the table has no price."""

    part: str
    count: int
    unit: str
    each: float | None

    @property
    def total(self) -> float | None:
        return None if self.each is None else self.count * self.each


@dataclass(frozen=True)
class Bill:
    """The lines at the pools' minimum, and what the machines above it add at the maximum."""

    lines: tuple[CostLine, ...]
    further_at_maximum: float

    @property
    def total(self) -> float:
        """USD per month of all lines that have a price."""
        return sum(line.total or 0.0 for line in self.lines)

    @property
    def unpriced(self) -> tuple[str, ...]:
        """Machine types that the price table lacks: the total is too low by them."""
        return tuple(sorted({line.unit for line in self.lines if line.each is None}))


def bill(topology: Topology, prices: Prices) -> Bill:
    """The monthly bill of a topology."""
    lines = [line for line in _lines(topology, prices) if line.count]
    further = 0.0
    for pool in topology.pools:
        each = (prices.instance_month(pool.instance_type) or 0.0) + pool.root_gib * prices.monthly("gp3_gib_month")
        each += prices.monthly("public_address_hour") if pool.public else 0.0
        further += (pool.maximum - pool.minimum) * each
    return Bill(tuple(lines), further)


def _lines(topology: Topology, prices: Prices) -> Iterator[CostLine]:
    for kind, title in ((Kind.CONTROL_PLANE, "control plane"), (Kind.ETCD, "etcd"), (Kind.BASTION, "bastion")):
        yield from _machines(title, topology.of(kind), prices)
    for pool in topology.pools:
        spot = ", on-demand price though spot is cheaper" if pool.spot else ""
        each = prices.instance_month(pool.instance_type)
        yield CostLine(f"workers: {pool.name}{spot}", pool.minimum, pool.instance_type, each)
    yield from _disks(topology, prices)
    yield CostLine("load balancers", len(topology.load_balancers), "NLB", prices.monthly("load_balancer_hour"))
    yield CostLine("NAT", topology.nat_gateways, "NAT gateway", prices.monthly("nat_gateway_hour"))
    yield CostLine(
        "endpoints of AWS services", topology.interface_endpoints, "endpoint and zone",
        prices.monthly("interface_endpoint_hour"),
    )  # fmt: skip
    addresses = sum(machine.public for machine in topology.machines) + topology.nat_gateways
    addresses += sum(pool.minimum for pool in topology.pools if pool.public)
    addresses += sum(topology.zones for balancer in topology.load_balancers if balancer.public)
    yield CostLine("public addresses", addresses, "IPv4 address", prices.monthly("public_address_hour"))
    yield CostLine("private DNS zone", 1, "zone", prices.monthly("private_zone_month"))
    if topology.snapshots:
        each = SNAPSHOT_MIB / 1024 * prices.monthly("s3_gib_month")
        yield CostLine("snapshots of etcd", topology.snapshots.stored, f"of {SNAPSHOT_MIB} MiB in S3", each)
        yield CostLine("their key", 1, "KMS key", prices.monthly("kms_key_month"))


def _machines(title: str, machines: tuple[TopologyMachine, ...], prices: Prices) -> Iterator[CostLine]:
    for instance_type, count in sorted(Counter(machine.instance_type for machine in machines).items()):
        yield CostLine(title, count, instance_type, prices.instance_month(instance_type))


def _disks(topology: Topology, prices: Prices) -> Iterator[CostLine]:
    gib_month = prices.monthly("gp3_gib_month")
    roots = sum(machine.root_gib for machine in topology.machines)
    roots += sum(pool.minimum * pool.root_gib for pool in topology.pools)
    yield CostLine("root disks", roots, "GiB gp3", gib_month)
    yield CostLine("etcd disks", sum(machine.etcd_gib for machine in topology.machines), "GiB gp3", gib_month)
