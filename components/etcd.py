"""etcd on machines of its own."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from pulumi import Resource, ResourceOptions

from components.backups.backups import Backups
from components.delivery.etcd_files import etcd_member_files, etcd_member_keys
from components.delivery.steps import DeliveredStep, RemoteMachine
from components.machines.identity import MachineIdentity
from components.machines.machine import Machine
from components.machines.rollout import Rollout
from components.pki import Pki
from components.site import Site


class EtcdMembers:
    """Machines and their members, none where etcd is stacked. `serving` is complete when there is a quorum."""

    machines: list[MachineIdentity]
    serving: Sequence[Resource]

    def __init__(
        self,
        name: str,
        site: Site,
        bastion: RemoteMachine | None,
        pki: Pki,
        backups: Backups,
        rollout: Rollout,
        child: ResourceOptions,
    ) -> None:
        self.machines = []
        serving = []
        for planned in site.plan.etcd_machines:
            resource_name = f"{name}-{planned.name}"
            identity = MachineIdentity(resource_name, planned, site, opts=child)
            files = identity.volume_id.apply(partial(etcd_member_files, site.plan, planned))
            machine = Machine(identity, site, files, bastion=bastion, after=rollout.awaited_by(identity))
            # All at once: a new cluster's members need each other for a quorum.
            step = DeliveredStep(
                "quorate:bootstrap:EtcdMemberBootstrap",
                resource_name,
                machine.remote,
                pki.etcd_member_files(planned.name),
                etcd_member_keys,
                backups.delivered(identity, files),
                "configure-etcd-member",
                child,
            )
            identity.record()
            rollout.add(step)
            self.machines.append(identity)
            serving.append(step)
        self.serving = serving
