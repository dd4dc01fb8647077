"""The cluster: its parts, in order. Read this first."""

from __future__ import annotations

import hashlib

import pulumi_aws as aws
import pulumi_kubernetes as kubernetes
from pulumi import ComponentResource, Output, ResourceOptions

from components.access import OperatorKey
from components.addons import smoke
from components.addons.network_plugin import network_plugin
from components.api_endpoint import ApiEndpoint, endpoint_name
from components.bootstrap import kubeadm_documents
from components.bootstrap.control_plane import ControlPlaneBootstrap, control_plane_files
from components.bootstrap.remote import run_scripts
from components.identity.statements import Account
from components.kubeconfig import operator_kubeconfig
from components.machines.control_plane import ControlPlaneMachine, Place
from components.network.addresses import control_plane_address, zone_subnets
from components.network.security_groups import SecurityGroups
from components.network.traffic import ALLOWED, Party, addresses_of
from components.network.vpc import Network
from components.pki import Pki
from components.settings import recorded
from components.settings.model import Settings
from components.tags import Tags


class Cluster(ComponentResource):
    """A kubeadm cluster on AWS. Complete when every node is Ready, system pods are available and a Service answers."""

    kubeconfig: Output[str]

    def __init__(self, name: str, settings: Settings, opts: ResourceOptions | None = None) -> None:
        super().__init__(recorded.CLUSTER_TYPE, name, None, opts)
        child = ResourceOptions(parent=self)
        cluster = settings.cluster.name
        tags = Tags(cluster, settings.tags)
        api_name = endpoint_name(settings.cluster)
        plugin = network_plugin(settings, api_name, kubeadm_documents.API_PORT)

        # Who it is, and the keys that everything else is verified with.
        account = _account()
        pki = Pki(f"{name}-pki", child)
        operator_key = OperatorKey(f"{name}-operator", tags, child)

        # Where it lives.
        network = Network(f"{name}-network", settings.network, tags, child)
        groups = SecurityGroups(f"{name}-groups", network.vpc_id, ALLOWED, addresses_of(settings), tags, child)

        # The machine. It prepares itself from its first boot on.
        subnets = zone_subnets(settings.network.vpc_cidr, settings.network.zones)
        address = control_plane_address(subnets[0].public, 0)
        machine = ControlPlaneMachine(
            f"{name}-control-plane-0",
            "control-plane-0",
            settings,
            account,
            Place(network.public_subnet_ids[0], network.zone_names[0], address),
            groups.ids[Party.CONTROL_PLANE],
            operator_key,
            tags,
            reachable_after=[network, groups],
            opts=child,
        )
        documents = machine.public_address.apply(
            lambda public: kubeadm_documents.kubeadm_documents(
                settings, kubeadm_documents.ControlPlaneMachine(machine.name, address, public, api_name)
            )
        )
        files = Output.all(machine.volume_id, documents).apply(
            lambda known: control_plane_files(
                settings, machine.name, address, api_name, known[0], known[1], plugin.workload, plugin.images
            )
        )
        machine.start(files)

        # The API's name. Nothing below waits for it: zones and records are slow, and the machine knows its own name.
        ApiEndpoint(f"{name}-api", settings.cluster, network.vpc_id, address, tags, child)

        # kubeadm, then what makes nodes Ready.
        bootstrap = ControlPlaneBootstrap(
            f"{name}-control-plane-0", machine.remote, files, pki.control_plane_files, child
        )
        plugin_applied = run_scripts(
            f"{name}-network-plugin",
            machine.remote,
            [["apply-network-plugin.sh"]],
            stdin=plugin.manifest,
            parent=self,
            depends_on=[bootstrap],
        )
        fingerprint = files.apply(lambda known: _fingerprint(plugin.manifest, *(file.content for file in known)))
        ready = run_scripts(
            f"{name}-ready",
            machine.remote,
            [["wait-ready.sh", machine.name]],
            stdin=fingerprint,
            parent=self,
            depends_on=[plugin_applied],
        )

        # What lives in the cluster.
        self.kubeconfig = Output.secret(
            Output.all(machine.public_address, pki.authority, pki.operator_certificate, pki.operator_key).apply(
                lambda known: operator_kubeconfig(
                    cluster, known[0], kubeadm_documents.API_PORT, api_name, known[1], known[2], known[3]
                )
            )
        )
        provider = kubernetes.Provider(
            f"{name}-kubernetes",
            kubeconfig=self.kubeconfig,
            # A refresh after the machine was lost must not fail for what lived on it.
            skip_update_unreachable=True,
            # An up that was killed may have created an object that the state does not know: the next one takes it over.
            upsert_existing_objects=True,
            opts=ResourceOptions(parent=self, depends_on=[plugin_applied]),
        )
        web = smoke.Smoke(f"{name}-smoke", cluster, 1, provider, machine.instance, child)
        self.complete = run_scripts(
            f"{name}-service",
            machine.remote,
            [["check-service.sh", smoke.NAMESPACE, smoke.SERVICE, f"The cluster {cluster} works."]],
            stdin=fingerprint,
            parent=self,
            depends_on=[ready, web],
        )

        self.api_address = machine.public_address
        self.api_endpoint = api_name
        self.machines = {machine.name: machine.public_address}
        self.ssh_private_key = operator_key.private_key
        self.ssh_known_hosts = Output.format("{0} {1}", machine.public_address, machine.host_key)
        # What the next update compares its settings with.
        self.register_outputs(recorded.record(settings))


def _account() -> Account:
    identity = aws.get_caller_identity()
    return Account(partition=identity.arn.split(":")[1], region=aws.get_region().region, number=identity.account_id)


def _fingerprint(*texts: str) -> str:
    """Changes with what a cluster is made of, so that a change is followed by another look at the cluster."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()
