"""What outlives a machine's instance: its address, disk, role and host key."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi_aws as aws
from pulumi import ComponentResource, Output, Resource, ResourceOptions

from components.access import HostKey
from components.identity.roles import MachineRole
from components.identity.statements import Statement, read_own_parameters
from components.network.traffic import Party
from components.plan import PlannedMachine, Role
from components.site import Site

# Part of every state: the parents of what a living cluster must keep.
TYPES = {
    Role.BASTION: "quorate:machines:Bastion",
    Role.CONTROL_PLANE: "quorate:machines:ControlPlaneMachine",
    Role.ETCD: "quorate:machines:EtcdMachine",
}
_PARTIES = {Role.BASTION: Party.BASTION, Role.CONTROL_PLANE: Party.CONTROL_PLANE, Role.ETCD: Party.ETCD}


class MachineIdentity(ComponentResource):
    """`volume_id` is empty for a machine without a disk for etcd. `ready` is what must be there before its instance."""

    name: str
    planned: PlannedMachine
    address: Output[str]
    volume: aws.ebs.Volume | None
    volume_id: Output[str]
    host_key: HostKey
    interface: aws.ec2.NetworkInterface
    role: MachineRole
    ready: Sequence[Resource]

    def __init__(
        self,
        name: str,
        planned: PlannedMachine,
        site: Site,
        statements: Sequence[Statement] = (),
        opts: ResourceOptions | None = None,
    ) -> None:
        """`name` is that of the machine's resources; `statements` add to what its role may do."""
        super().__init__(TYPES[planned.role], name, None, opts)
        self.resource_name, self.name, self.planned = name, planned.name, planned
        self._site, self._child = site, ResourceOptions(parent=self)
        cluster = site.plan.settings.cluster.name
        self.interface = self._network_interface()
        public = self._public_address() if planned.public else None
        self.address = public[0] if public else self.interface.private_ip
        self.volume = self._etcd_volume() if planned.holds_member else None
        self.volume_id = self.volume.id if self.volume else Output.from_input("")
        self.host_key = HostKey(f"{name}-host-key", cluster, self.name, site.tags, self._child)
        own = read_own_parameters(site.account, cluster, self.name)
        self.role = MachineRole(name, [own, *statements], site.tags, self._child)
        self.ready = [
            *([public[1]] if public else []),
            self.role.policy,
            self.host_key.parameter,
            *site.reachable_after,
        ]

    def record(self, **known: Output[bool]) -> None:
        """What the state keeps of it for the next update."""
        self.register_outputs({"publicAddress" if self.planned.public else "privateAddress": self.address, **known})

    def _network_interface(self) -> aws.ec2.NetworkInterface:
        """An interface of its own keeps the private address."""
        planned, network = self.planned, self._site.network
        subnets = network.public_subnet_ids if planned.role is Role.BASTION else network.machine_subnet_ids
        return aws.ec2.NetworkInterface(
            f"{self.resource_name}-interface",
            subnet_id=subnets[planned.zone],
            private_ips=[planned.address] if planned.address else None,
            security_groups=[self._site.groups.ids[_PARTIES[planned.role]]],
            description=f"{self._site.plan.settings.cluster.name} {self.name}",
            tags=self._site.tags.named(self.name),
            opts=ResourceOptions(parent=self, delete_before_replace=True),
        )

    def _public_address(self) -> tuple[Output[str], Resource]:
        """The address, and what connects it with the interface."""
        address = aws.ec2.Eip(
            f"{self.resource_name}-address",
            domain="vpc",
            tags=self._site.tags.named(self.name),
            # An Elastic IP needs the internet gateway, and the gateway cannot go while one is in use.
            opts=ResourceOptions(parent=self, depends_on=self._site.reachable_after),
        )
        association = aws.ec2.EipAssociation(
            f"{self.resource_name}-address",
            allocation_id=address.allocation_id,
            network_interface_id=self.interface.id,
            opts=ResourceOptions(parent=self, delete_before_replace=True),
        )
        return address.public_ip, association

    def _etcd_volume(self) -> aws.ebs.Volume:
        protect = self._site.plan.settings.etcd.protect_volumes
        return aws.ebs.Volume(
            f"{self.resource_name}-etcd",
            availability_zone=self._site.network.zone_names[self.planned.zone],
            size=self.planned.etcd_volume_gib,
            type="gp3",
            encrypted=True,
            tags=self._site.tags.named(f"{self.name}-etcd"),
            # In another zone it would be another disk, without the member's data.
            opts=ResourceOptions(parent=self, protect=True if protect else None, ignore_changes=["availabilityZone"]),
        )
