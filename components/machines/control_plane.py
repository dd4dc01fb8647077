"""Control-plane machines, and those of an etcd that has its own."""

from __future__ import annotations

from pulumi import ResourceOptions

from components.identity.statements import tend_worker_pools, write_join_credentials
from components.living_cluster import CONTROL_PLANE_TYPE
from components.machines.machine import Machine, Shape, Site
from components.network.traffic import Party
from components.plan import ETCD_ROOT_GIB, PlannedMachine, machines_are_private
from components.settings.model import EtcdTopology


class ControlPlaneMachine(Machine):
    """One control-plane machine, with a disk for etcd if that runs beside it. May renew what workers join with."""

    def __init__(self, name: str, planned: PlannedMachine, site: Site, opts: ResourceOptions | None = None) -> None:
        settings, account = site.settings, site.account
        statements = []
        if settings.workers:
            cluster = settings.cluster.name
            statements = [write_join_credentials(account, cluster), *tend_worker_pools(account, cluster)]
        shape = Shape(
            party=Party.CONTROL_PLANE,
            instance_type=settings.control_plane.instance_type,
            root_volume_gib=settings.control_plane.root_volume_gib,
            subnet_id=site.network.machine_subnet_ids[planned.zone],
            zone=site.network.zone_names[planned.zone],
            private_address=planned.address,
            public=not machines_are_private(settings),
            etcd_volume=settings.etcd.topology is EtcdTopology.STACKED,
            statements=statements,
        )
        super().__init__(CONTROL_PLANE_TYPE, name, planned.name, site, shape, opts)


class EtcdMachine(Machine):
    """One member of an external etcd, with its data on a disk that outlives the instance."""

    def __init__(self, name: str, planned: PlannedMachine, site: Site, opts: ResourceOptions | None = None) -> None:
        settings = site.settings
        shape = Shape(
            party=Party.ETCD,
            instance_type=settings.etcd.instance_type,
            root_volume_gib=ETCD_ROOT_GIB,
            subnet_id=site.network.machine_subnet_ids[planned.zone],
            zone=site.network.zone_names[planned.zone],
            private_address=planned.address,
            public=not machines_are_private(settings),
            etcd_volume=True,
        )
        super().__init__("quorate:machines:EtcdMachine", name, planned.name, site, shape, opts)
