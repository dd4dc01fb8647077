"""The cluster: its parts, in order. Read this first."""

from __future__ import annotations

from pulumi import ComponentResource, Output, ResourceOptions

from components import outputs
from components.addons.installed import install_addons
from components.api_endpoint import ApiEndpoint
from components.backups.backups import Backups
from components.checks import smoke
from components.control_plane import ControlPlane
from components.delivery.steps import fingerprint, run_step
from components.etcd import EtcdMembers
from components.field_ownership import owned
from components.kubernetes_provider import kubernetes_provider
from components.machines.bastion import Bastion
from components.machines.pool import WorkerPools
from components.machines.rollout import Rollout
from components.network_plugins.network_plugin import network_plugin
from components.pki import Pki
from components.plan import Plan
from components.previous_update import CLUSTER_TYPE, PreviousUpdate, record
from components.region import region_of
from components.settings.model import Settings
from components.site import make_site


class Cluster(ComponentResource):
    """A kubeadm cluster on AWS. Complete when every node is Ready, system pods are available and a Service answers."""

    def __init__(
        self, name: str, settings: Settings, previous: PreviousUpdate | None = None, opts: ResourceOptions | None = None
    ) -> None:
        plan = Plan(settings)
        region = region_of(plan, previous)
        super().__init__(CLUSTER_TYPE, name, None, opts)
        child = ResourceOptions(parent=self)
        plugin = network_plugin(plan)
        rollout = Rollout(previous or PreviousUpdate())

        # Where it stands, and the keys that everything else is verified with.
        site = make_site(name, plan, region, child)
        pki = Pki(f"{name}-pki", plan.etcd_addresses, child, protect=settings.etcd.protect_volumes)

        backups = Backups(f"{name}-snapshots", site, child)

        # The machines. They prepare themselves from their first boot on, all at once; one that changes waits its turn.
        bastion = Bastion(name, site, child) if plan.bastion else None
        way_in = bastion.machine.remote if bastion else None
        etcd = EtcdMembers(name, site, way_in, pki, backups, rollout, child)
        # Who asks for the API's name waits for its record; the founder knows it, as zones and records are slow.
        endpoint = ApiEndpoint(f"{name}-api", site, child)
        control_plane = ControlPlane(name, site, way_in, pki, plugin, endpoint, etcd.serving, backups, rollout, child)
        pools = WorkerPools(name, site, pki, plugin, rollout, child)

        # What makes nodes Ready; that is sooner with all joined first than with the plugin busy on the founder.
        founder = control_plane.founder
        plugin_applied = run_step(
            f"{name}-network-plugin",
            founder,
            ["apply-network-plugin"],
            stdin=plugin.manifest,
            parent=self,
            depends_on=control_plane.complete,
        )
        # A change of what the cluster is made of is followed by another look at it.
        made_of = Output.all(*control_plane.files, *pools.files).apply(
            lambda known: fingerprint(plugin.manifest, *(file.content for files in known for file in files))
        )
        ready = run_step(
            f"{name}-ready",
            founder,
            ["wait-ready", *plan.expected_nodes],
            stdin=made_of,
            parent=self,
            depends_on=[plugin_applied, *pools.pools, *control_plane.targets],
        )

        # What lives in the cluster.
        self.api_address = endpoint.operators_host(control_plane.machines[0].address)
        self.kubeconfig = outputs.kubeconfig(plan, self.api_address, pki)
        provider = kubernetes_provider(name, self.kubeconfig, self.api_address, endpoint, self, [plugin_applied])
        objects = ResourceOptions.merge(child, ResourceOptions(transforms=[owned]))
        web = smoke.Smoke(f"{name}-smoke", plan, provider, site.network.vpc, objects)
        addons = install_addons(name, plan, provider, site.network.vpc, ready, objects)
        self.complete = run_step(
            f"{name}-service",
            founder,
            ["check-service", smoke.NAMESPACE, smoke.SERVICE, smoke.page_text(plan)],
            stdin=made_of,
            parent=self,
            depends_on=[ready, web, *addons],
        )

        machines = [*([bastion.identity] if bastion else []), *etcd.machines, *control_plane.machines]
        self.api_endpoint = plan.endpoint_name
        self.machines = {machine.name: machine.address for machine in machines}
        self.ssh_private_key = site.operator_key.private_key
        self.snapshots = backups.exported
        self.ssh_known_hosts = outputs.known_hosts(machines)
        # What the next update compares its settings with.
        self.register_outputs(record(settings))
