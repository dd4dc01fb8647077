"""The cluster: its parts, in order. Read this first."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import pulumi_aws as aws
import pulumi_kubernetes as kubernetes
from pulumi import ComponentResource, Output, Resource, ResourceOptions

from components.access import OperatorKey
from components.addons.installed import install_addons, several_nodes
from components.api_endpoint import ApiEndpoint, endpoint_name
from components.checks import smoke
from components.checks.reachable_api import reachable_api
from components.control_plane import ControlPlane, EtcdMembers
from components.delivery.node_files import NodeFile
from components.delivery.remote import run_scripts
from components.delivery.steps import fingerprint
from components.delivery.worker_files import worker_files
from components.identity.statements import Account
from components.kubeadm import documents as kubeadm_documents
from components.kubeadm.kubeconfig import operator_kubeconfig
from components.living_cluster import CLUSTER_TYPE, LivingCluster, record
from components.machines.bastion import Bastion
from components.machines.machine import Machine, Site, newest_image
from components.machines.pool import WorkerAccess, WorkerPool
from components.machines.rollout import Turns
from components.network.private_subnets import InterfaceEndpoints
from components.network.security_groups import SecurityGroups
from components.network.traffic import Party, addresses_of, allowed
from components.network.vpc import Network
from components.network_plugins.network_plugin import NetworkPlugin, network_plugin
from components.pki import Pki
from components.plan import planned_control_planes, planned_etcd_members, subnets_are_shared
from components.settings.model import Settings, WorkerPoolSettings
from components.tags import Tags


class Cluster(ComponentResource):
    """A kubeadm cluster on AWS. Complete when every node is Ready, system pods are available and a Service answers."""

    kubeconfig: Output[str]

    def __init__(
        self, name: str, settings: Settings, living: LivingCluster | None = None, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__(CLUSTER_TYPE, name, None, opts)
        self._name, self._settings = name, settings
        self._child = child = ResourceOptions(parent=self)
        plugin = network_plugin(settings, endpoint_name(settings.cluster), kubeadm_documents.API_PORT)

        # Who it is, where it lives, and the keys that everything else is verified with.
        members = {member.name: member.address for member in planned_etcd_members(settings)}
        pki = Pki(f"{name}-pki", members, child, protect=settings.etcd.protect_volumes)
        site = self._site()
        bastion = Bastion(f"{name}-bastion", site, child) if settings.access.bastion else None
        if bastion:
            site = dataclasses.replace(site, bastion=bastion.remote)

        # The machines. They prepare themselves from their first boot on, all at once; one that changes waits its turn.
        turns = Turns(living or LivingCluster())
        etcd = EtcdMembers(name, site, pki, turns, child)
        control_plane = ControlPlane(name, site, plugin, turns, child)
        pool_files = {
            pool.name: self._worker_files(pool, pki, plugin, site.account.region) for pool in settings.workers
        }
        pools = self._worker_pools(site, pool_files)

        # The API's name. Little waits for it: zones and records are slow, and the first machine knows its own name.
        endpoint = ApiEndpoint(f"{name}-api", site, planned_control_planes(settings)[0], child)

        # kubeadm, then what makes nodes Ready.
        control_plane.bootstrap(pki, endpoint, etcd.bootstraps)
        first = control_plane.first
        plugin_applied = run_scripts(
            f"{name}-network-plugin",
            first.remote,
            [["apply-network-plugin.sh"]],
            stdin=plugin.manifest,
            parent=self,
            # With all machines joined first the cluster is Ready sooner than with the plugin busy on the first.
            depends_on=control_plane.complete,
        )
        # A change of what the cluster is made of is followed by another look at it.
        made_of = Output.all(*control_plane.files, *pool_files.values()).apply(
            lambda known: fingerprint(plugin.manifest, *(file.content for files in known for file in files))
        )
        expected = [machine.name for machine in control_plane.machines]
        expected += [f"{pool.name}:{pool.minimum}" for pool in settings.workers]
        ready = run_scripts(
            f"{name}-ready",
            first.remote,
            [["wait-ready.sh", *expected]],
            stdin=made_of,
            parent=self,
            depends_on=[plugin_applied, *pools],
        )

        # What lives in the cluster.
        self.api_address = endpoint.operators_host(first.address)
        self.kubeconfig = self._kubeconfig(pki)
        provider = self._kubernetes([plugin_applied], endpoint)
        replicas = 2 if several_nodes(settings) else 1
        web = smoke.Smoke(f"{name}-smoke", settings.cluster.name, replicas, provider, site.network.vpc, child)
        installed = install_addons(name, settings, provider, site.network.vpc, ready, child)
        self.complete = run_scripts(
            f"{name}-service",
            first.remote,
            [["check-service.sh", smoke.NAMESPACE, smoke.SERVICE, f"The cluster {settings.cluster.name} works."]],
            stdin=made_of,
            parent=self,
            depends_on=[ready, web, *installed],
        )

        machines: list[Machine] = [*([bastion] if bastion else []), *etcd.machines, *control_plane.machines]
        self.api_endpoint = endpoint_name(settings.cluster)
        self.machines = {machine.name: machine.address for machine in machines}
        self.ssh_private_key = site.operator_key.private_key
        self.ssh_known_hosts = Output.all(
            *(Output.format("{0} {1}", machine.address, machine.host_key) for machine in machines)
        ).apply(lambda lines: "\n".join(line.strip() for line in lines) + "\n")
        # What the next update compares its settings with.
        self.register_outputs(record(settings))

    def _site(self) -> Site:
        """The VPC, who may talk to whom in it, and who may log in."""
        name, settings, child = self._name, self._settings, self._child
        account = _account()
        tags = Tags(settings.cluster.name, settings.tags)
        operator_key = OperatorKey(f"{name}-operator", tags, child)
        network = Network(
            f"{name}-network", settings.network, account.region, subnets_are_shared(settings), tags, child
        )
        groups = SecurityGroups(
            f"{name}-groups", network.vpc_id, allowed(settings), addresses_of(settings), tags, child
        )
        if settings.network.interface_endpoints:
            InterfaceEndpoints(
                f"{name}-endpoints",
                settings.network.interface_endpoints,
                network.vpc_id,
                network.machine_subnet_ids,
                groups.ids[Party.ENDPOINTS],
                account.region,
                network.reservations,
                tags,
                child,
            )
        return Site(settings, account, network, groups, operator_key, tags, newest_image())

    def _worker_files(
        self, pool: WorkerPoolSettings, pki: Pki, plugin: NetworkPlugin, region: str
    ) -> Output[tuple[NodeFile, ...]]:
        settings = self._settings
        return pki.authority.apply(
            lambda authority: worker_files(
                settings, pool, endpoint_name(settings.cluster), authority, plugin.images, region
            )
        )

    def _worker_pools(self, site: Site, files: dict[str, Output[tuple[NodeFile, ...]]]) -> list[WorkerPool]:
        """A group for each pool. Their machines look for credentials to join until the control plane has some."""
        if not self._settings.workers:
            return []
        access = WorkerAccess(f"{self._name}-workers", site, self._child)
        return [
            WorkerPool(f"{self._name}-pool-{pool.name}", pool, site, access, files[pool.name], self._child)
            for pool in self._settings.workers
        ]

    def _kubeconfig(self, pki: Pki) -> Output[str]:
        cluster = self._settings.cluster
        return Output.secret(
            Output.all(self.api_address, pki.authority, pki.operator_certificate, pki.operator_key).apply(
                lambda known: operator_kubeconfig(
                    cluster.name,
                    known[0],
                    kubeadm_documents.API_PORT,
                    endpoint_name(cluster),
                    known[1],
                    known[2],
                    known[3],
                )
            )
        )

    def _kubernetes(self, after: Sequence[Resource], endpoint: ApiEndpoint) -> kubernetes.Provider:
        """The provider of what lives in the cluster; where a load balancer leads there, once it does."""
        if endpoint.public:
            reachable = reachable_api(
                f"{self._name}-reachable",
                self.api_address,
                kubeadm_documents.API_PORT,
                self,
                [*after, *endpoint.first_target, endpoint.public.listener],
            )
            after = [reachable]
        return kubernetes.Provider(
            f"{self._name}-kubernetes",
            kubeconfig=self.kubeconfig,
            # A refresh after the machine was lost must not fail for what lived on it.
            skip_update_unreachable=True,
            # An up that was killed may have created an object that the state does not know: the next one takes it over.
            upsert_existing_objects=True,
            opts=ResourceOptions(parent=self, depends_on=after),
        )


def _account() -> Account:
    identity = aws.get_caller_identity()
    return Account(partition=identity.arn.split(":")[1], region=aws.get_region().region, number=identity.account_id)
