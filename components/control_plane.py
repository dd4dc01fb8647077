"""The control plane and its store: machines all at once, then kubeadm in the order that it needs."""

from __future__ import annotations

from collections.abc import Sequence

from pulumi import Output, Resource, ResourceOptions

from components.api_endpoint import ApiEndpoint, endpoint_name
from components.delivery.control_plane_files import ControlPlaneBootstrap, control_plane_files
from components.delivery.etcd_files import EtcdMemberBootstrap, etcd_member_files
from components.delivery.node_files import NodeFile
from components.delivery.remote import run_scripts
from components.delivery.steps import fingerprint
from components.kubeadm import documents as kubeadm_documents
from components.kubeadm.labels import Place
from components.living_cluster import ETCD_MEMBER
from components.machines.control_plane import ControlPlaneMachine, EtcdMachine
from components.machines.machine import Site
from components.machines.rollout import Turns
from components.network_plugins.network_plugin import NetworkPlugin
from components.pki import Pki
from components.plan import PlannedMachine, machines_are_private, planned_control_planes, planned_etcd_members

Files = Output[tuple[NodeFile, ...]]


class EtcdMembers:
    """etcd's own machines. Empty where etcd is stacked."""

    machines: list[EtcdMachine]
    bootstraps: Sequence[Resource]

    def __init__(self, name: str, site: Site, pki: Pki, turns: Turns, child: ResourceOptions) -> None:
        planned = planned_etcd_members(site.settings)
        members = {member.name: member.address for member in planned}
        self.machines = []
        bootstraps = []
        for member in planned:
            resource_name = f"{name}-{member.name}"
            machine = EtcdMachine(resource_name, member, site, child)
            files = _member_files(site, member, machine, members)
            machine.start(files, turns.awaited_by(machine))
            machine.register()
            self.machines.append(machine)
            # All at once: a new cluster's members need each other for a quorum.
            step = EtcdMemberBootstrap(resource_name, machine.remote, files, pki.etcd_member_files(member.name), child)
            bootstraps.append(step)
            turns.add(step)
        self.bootstraps = bootstraps


class ControlPlane:
    """The control-plane machines. `bootstrap` makes them one cluster; `complete` is what to wait for then."""

    machines: list[ControlPlaneMachine]
    files: list[Files]
    complete: list[Resource]

    def __init__(self, name: str, site: Site, plugin: NetworkPlugin, turns: Turns, child: ResourceOptions) -> None:
        self._name, self._site, self._turns, self._child = name, site, turns, child
        self._planned = planned_control_planes(site.settings)
        self.machines = []
        self.files = []
        self.complete = []
        for planned in self._planned:
            machine = ControlPlaneMachine(f"{name}-{planned.name}", planned, site, child)
            self.machines.append(machine)
            self.files.append(self._machine_files(planned, machine, plugin))

    @property
    def first(self) -> ControlPlaneMachine:
        """The machine that founds the cluster, and that what is done once is done on."""
        return self.machines[0]

    def bootstrap(self, pki: Pki, endpoint: ApiEndpoint, etcd: Sequence[Resource]) -> None:
        """Starts the machines; kubeadm init on the first, then the others join, each before it becomes a target.

        With etcd beside them they join one at a time: etcd takes one new member at a time. But those that come back
        with its data start together, as the first finds no quorum by itself.
        """
        one_by_one = not planned_etcd_members(self._site.settings)
        before_init: Sequence[Resource] = [*etcd, *endpoint.first_target]
        after = before_init
        steps: list[Resource] = []
        for planned, machine, files in zip(self._planned, self.machines, self.files, strict=True):
            resource_name = f"{self._name}-{planned.name}"
            machine.start(files, self._turns.awaited_by(machine))
            step = ControlPlaneBootstrap(
                resource_name,
                machine.remote,
                files,
                pki.control_plane_files,
                self._child,
                before_init if self._turns.comes_back(resource_name) else after,
            )
            if steps:
                endpoint.add_target(planned, [step])
            if one_by_one or not steps:
                after = [step]
            machine.register(**({ETCD_MEMBER: step.configured.id.apply(lambda _: True)} if one_by_one else {}))
            steps.append(step)
            self._turns.add(step)
            self.complete.append(self._behind_load_balancer(machine, files, step, endpoint))

    def _behind_load_balancer(
        self, machine: ControlPlaneMachine, files: Files, step: Resource, endpoint: ApiEndpoint
    ) -> Resource:
        """The step after which the machine reaches the API through the load balancer; `step` itself without one.

        Apart from `step`, as control planes join each other directly while AWS is still making the load balancer.
        """
        if not endpoint.internal:
            return step
        return run_scripts(
            f"{self._name}-{machine.name}-endpoint",
            machine.remote,
            [["name-api-endpoint.sh", "dns"]],
            stdin=files.apply(lambda known: fingerprint(*(file.content for file in known))),
            parent=machine,
            depends_on=[step, endpoint.internal.listener, *endpoint.first_target],
        )

    def _machine_files(self, planned: PlannedMachine, machine: ControlPlaneMachine, plugin: NetworkPlugin) -> Files:
        settings = self._site.settings
        balanced = settings.api_endpoint.load_balancer
        name = endpoint_name(settings.cluster)
        etcd = tuple(member.address for member in planned_etcd_members(settings))
        others = [other.address for other in self._planned if other is not planned]
        place = Place(self._site.account.region, self._site.network.zone_names[planned.zone])
        # A private machine's certificate needs no other address than that which it has anyway.
        public = Output.from_input("") if machines_are_private(settings) else machine.address

        def files(known: Sequence[str]) -> tuple[NodeFile, ...]:
            volume_id, public_address = known
            documented = kubeadm_documents.ControlPlaneMachine(
                planned.name, planned.address, public_address, name, place, etcd, balanced
            )
            return control_plane_files(
                settings,
                documented,
                volume_id,
                plugin.workload,
                plugin.images,
                joins=planned is not self._planned[0],
                other_addresses=others,
            )

        return Output.all(machine.volume_id, public).apply(files)


def _member_files(site: Site, member: PlannedMachine, machine: EtcdMachine, members: dict[str, str]) -> Files:
    return machine.volume_id.apply(
        lambda volume_id: etcd_member_files(site.settings, member.name, member.address, volume_id, members)
    )
