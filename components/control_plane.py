"""The control plane: its machines, kubeadm on them in the order that it needs, and their place behind the endpoint."""

from __future__ import annotations

from collections.abc import Sequence

from pulumi import Output, Resource, ResourceOptions

from components.addons.catalogue import addon_statements
from components.api_endpoint import ApiEndpoint
from components.backups.backups import Backups
from components.delivery.control_plane_files import control_plane_files, control_plane_keys
from components.delivery.steps import DeliveredStep, Files, RemoteMachine, fingerprint, run_step
from components.identity.statements import Statement, see_target_health, tend_worker_pools, write_join_credentials
from components.kubeadm.documents import ControlPlaneNode
from components.kubeadm.labels import Place
from components.machines.identity import MachineIdentity
from components.machines.machine import Machine
from components.machines.rollout import Rollout
from components.network_plugins.network_plugin import NetworkPlugin
from components.pki import Pki
from components.plan import PlannedMachine, Role
from components.previous_update import ETCD_MEMBER
from components.site import Site


class ControlPlane:
    """kubeadm init on the first machine, then the others join, each before it becomes a target. `complete` ends that,
    `targets` are their places behind load balancers.

    With etcd beside them they join one at a time: etcd takes one new member at a time. But those that come back with
    its data start together, as the first finds no quorum by itself.
    """

    machines: list[MachineIdentity]
    files: list[Files]
    complete: list[Resource]
    targets: list[Resource]
    founder: RemoteMachine

    def __init__(
        self,
        name: str,
        site: Site,
        bastion: RemoteMachine | None,
        pki: Pki,
        plugin: NetworkPlugin,
        endpoint: ApiEndpoint,
        etcd: Sequence[Resource],
        backups: Backups,
        rollout: Rollout,
        child: ResourceOptions,
    ) -> None:
        """`etcd` is what serves before the founder starts; none where etcd is stacked."""
        self._site, self._plugin, self._endpoint = site, plugin, endpoint
        self.machines, self.files, self.complete = [], [], []
        self.targets = [*endpoint.first_target]
        one_by_one = not site.plan.etcd_is_external
        # What lets workers in, who then ask for the API's name: the load balancer's step, or else this one.
        named = [endpoint.record] if site.plan.settings.workers and not endpoint.internal else []
        before_init: Sequence[Resource] = [*etcd, *endpoint.first_target, *named]
        after = before_init
        for planned in site.plan.control_planes:
            resource_name = f"{name}-{planned.name}"
            identity = MachineIdentity(resource_name, planned, site, self._statements(), child)
            files = self._files(identity)
            machine = Machine(identity, site, files, bastion=bastion, after=rollout.awaited_by(identity))
            step = DeliveredStep(
                "quorate:bootstrap:ControlPlaneBootstrap",
                resource_name,
                machine.remote,
                pki.control_plane_files,
                control_plane_keys,
                backups.delivered(identity, files),
                "configure-control-plane",
                child,
                before_init if rollout.comes_back(resource_name) else after,
            )
            if self.machines:
                self.targets += endpoint.add_target(planned, [step])
            else:
                self.founder = machine.remote
            if one_by_one or not self.machines:
                after = [step]
            identity.record(**({ETCD_MEMBER: step.configured.id.apply(lambda _: True)} if one_by_one else {}))
            rollout.add(step)
            self.machines.append(identity)
            self.files.append(files)
            self.complete.append(self._behind_load_balancer(identity, machine.remote, files, step))
            self._reached_by_operators(identity, machine.remote, step)

    def _behind_load_balancer(
        self, identity: MachineIdentity, machine: RemoteMachine, files: Files, step: Resource
    ) -> Resource:
        """The step after which the machine reaches the API through the load balancer; `step` itself without one.

        Apart from `step`, as control planes join each other directly while AWS is still making the load balancer.
        """
        if not self._endpoint.internal:
            return step
        return run_step(
            f"{identity.resource_name}-endpoint",
            machine,
            ["follow-load-balancer"],
            stdin=files.apply(lambda known: fingerprint(*(file.content for file in known))),
            parent=identity,
            depends_on=[
                step,
                self._endpoint.internal.listener,
                *self._endpoint.first_target,
                self._endpoint.record,
            ],
        )

    def _reached_by_operators(self, identity: MachineIdentity, machine: RemoteMachine, step: Resource) -> None:
        """Lets the certificate of an API server name what operators' kubeconfigs go by.

        A load balancer has a name only when AWS has made it: machines don't wait for that. Without one, kubeadm's
        documents have the machine's addresses.
        """
        if not (self._endpoint.internal or self._endpoint.public):
            return
        run_step(
            f"{identity.resource_name}-api-names",
            machine,
            ["renew-api-certificate"],
            stdin=Output.format("{0}\n", self._endpoint.operators_host(self.machines[0].address)),
            parent=identity,
            depends_on=[step],
        )

    def _files(self, identity: MachineIdentity) -> Files:
        plan, planned = self._site.plan, identity.planned
        place = self._place(planned)
        # A private machine's certificate needs no other address than that which it has anyway.
        public = identity.address if planned.public else Output.from_input("")
        return Output.all(identity.volume_id, public).apply(
            lambda known: control_plane_files(plan, ControlPlaneNode(planned, place, known[1]), self._plugin, known[0])
        )

    def _place(self, planned: PlannedMachine) -> Place:
        return Place(self._site.account.region, self._site.network.zone_names[planned.zone])

    def _statements(self) -> list[Statement]:
        """What looking after workers and a restart behind a load balancer take, and what add-ons need."""
        account, plan = self._site.account, self._site.plan
        cluster = plan.settings.cluster.name
        for_workers = [write_join_credentials(account, cluster), *tend_worker_pools(account, cluster)]
        return [
            *(for_workers if plan.settings.workers else []),
            *(see_target_health() if plan.target_group_names else []),
            *addon_statements(account, plan, Role.CONTROL_PLANE),
        ]
