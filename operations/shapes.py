"""The shapes a cluster may have, side by side with the same workers: what each survives and costs. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from components.settings.model import EtcdTopology, NatMode, Settings, WorkerPoolSettings
from pricing.bill import CostLine, bill
from pricing.tables import Prices
from pricing.topology import Topology, topology

_HA_ZONES = 3


@dataclass(frozen=True)
class Shape:
    """A way to build the cluster. `monthly` is USD, None without prices for the region; `here` marks this stack's."""

    name: str
    machines: str
    monthly: float | None
    machine_lost: str
    zone_lost: str
    members_lost: str
    who_runs_it: str
    here: bool = False


def shapes(settings: Settings, prices: Prices | None) -> tuple[Shape, ...]:
    """education, dev, stacked, external and EKS, each with this stack's workers where it has any."""
    return tuple(_shapes(settings, prices))


def _shapes(settings: Settings, prices: Prices | None) -> Iterator[Shape]:
    here = _kind(settings)
    for name, variant in _variants(settings).items():
        built = topology(settings if name == here else variant)
        yield _shape(name, built, prices, name == here)
    yield _eks(settings, prices)


def _kind(settings: Settings) -> str:
    if settings.control_plane.count > 1:
        return "external" if settings.etcd.topology is EtcdTopology.EXTERNAL else "stacked"
    if settings.etcd.topology is EtcdTopology.EXTERNAL:
        return ""
    return "dev" if settings.workers else "education"


def _variants(settings: Settings) -> dict[str, Settings]:
    workers = settings.workers or (WorkerPoolSettings(name="general", minimum=2, maximum=4),)
    zones = max(settings.network.zones, _HA_ZONES)
    small = replace(settings.network, nat=NatMode.NONE)
    nat = NatMode.PER_ZONE if settings.network.nat is NatMode.NONE else settings.network.nat
    large = replace(settings.network, zones=zones, nat=nat)
    stacked = replace(settings.etcd, topology=EtcdTopology.STACKED)
    external = replace(settings.etcd, topology=EtcdTopology.EXTERNAL, members=max(3, settings.etcd.members))
    one = replace(settings.control_plane, count=1, schedulable=False)
    several = replace(settings.control_plane, count=max(3, settings.control_plane.count), schedulable=False)
    direct, jump = replace(settings.access, bastion=False), replace(settings.access, bastion=True)
    education = replace(
        settings, network=replace(small, zones=1), etcd=stacked, workers=(), access=direct,
        control_plane=replace(one, schedulable=True),
    )  # fmt: skip
    dev = replace(settings, network=small, etcd=stacked, control_plane=one, workers=workers, access=direct)
    ha = replace(settings, network=large, control_plane=several, workers=workers, access=jump)
    return {
        "education": _endpoint(education),
        "dev": _endpoint(dev),
        "stacked": _endpoint(replace(ha, etcd=stacked)),
        "external": _endpoint(replace(ha, etcd=external)),
    }


def _endpoint(variant: Settings) -> Settings:
    """With load balancers where there are several control planes, an operators' one among them, and none elsewhere."""
    several = variant.control_plane.count > 1
    return replace(variant, api_endpoint=replace(variant.api_endpoint, load_balancer=several, public=several))


def _shape(name: str, built: Topology, prices: Prices | None, here: bool) -> Shape:
    workers = sum(pool.minimum for pool in built.pools)
    parts = [f"{len(built.control_planes)} control plane"]
    if built.etcd is EtcdTopology.EXTERNAL:
        parts.append(f"{len(built.members)} etcd")
    parts += [f"{workers} workers"] if workers else []
    parts += ["bastion"] if any(m.kind == "bastion" for m in built.machines) else []
    parts += [f"{built.nat_gateways} NAT"] if built.nat_gateways else []
    parts += [f"{len(built.load_balancers)} NLB"] if built.load_balancers else []
    tolerated = built.tolerated_members()
    first_lost = built.serves_without(frozenset({built.control_planes[0].name}))
    return Shape(
        name,
        ", ".join(parts),
        bill(built, prices).total if prices else None,
        "API stays up" if first_lost else "API stops",
        "API stays up" if built.survives_any_zone() else "API stops",
        f"{tolerated} of {len(built.members)}",
        "you: machines, versions, snapshots of etcd",
        here,
    )


def _eks(settings: Settings, prices: Prices | None) -> Shape:
    variant = _variants(settings)["external"]
    built = topology(variant)
    monthly = None
    if prices:
        kept = ("workers", "NAT")
        lines = [line for line in bill(built, prices).lines if line.part.startswith(kept)]
        roots = sum(pool.minimum * pool.root_gib for pool in built.pools)
        lines.append(CostLine("root disks", roots, "GiB gp3", prices.monthly("gp3_gib_month")))
        lines.append(CostLine("NAT addresses", built.nat_gateways, "IPv4", prices.monthly("public_address_hour")))
        monthly = sum(line.total or 0.0 for line in lines) + prices.monthly("eks_control_plane_hour")
    return Shape(
        "EKS",
        f"AWS's control plane, {sum(pool.minimum for pool in built.pools)} workers, {built.nat_gateways} NAT",
        monthly,
        "API stays up",
        "API stays up",
        "handled by AWS",
        "AWS: no access to etcd, versions on AWS's schedule",
    )
