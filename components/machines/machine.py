"""A machine that stays the same one: its instance is replaceable; its address, disk, name and host key are not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi_aws as aws
from pulumi import ComponentResource, Input, Output, Resource, ResourceOptions

from components.access import HostKey, OperatorKey
from components.delivery.cloud_config import cloud_config, compressed
from components.delivery.node_files import NodeFile, boot_files, boot_units
from components.delivery.remote import RemoteMachine
from components.identity.roles import MachineRole
from components.identity.statements import Account, Statement, read_own_parameters
from components.network.security_groups import SecurityGroups
from components.network.traffic import Party
from components.network.vpc import Network
from components.settings.model import Settings
from components.tags import Tags


@dataclass(frozen=True)
class Site:
    """What all machines of a cluster share. `image` is the id of the one that new instances boot from.

    `bastion` is the way to the machines, if they have no public addresses.
    """

    settings: Settings
    account: Account
    network: Network
    groups: SecurityGroups
    operator_key: OperatorKey
    tags: Tags
    image: str
    bastion: RemoteMachine | None = None

    @property
    def reachable_after(self) -> Sequence[Resource]:
        """What must be there before a machine boots, as it fetches its host key and its packages at once."""
        return [self.network, self.groups]


@dataclass(frozen=True)
class Shape:
    """What kind of machine it is. Without `private_address` it takes any; `statements` add to its role."""

    party: Party
    instance_type: str
    root_volume_gib: int
    subnet_id: Input[str]
    zone: str
    private_address: str | None
    public: bool
    etcd_volume: bool
    statements: Sequence[Statement] = ()


class Machine(ComponentResource):
    """Replacing the instance brings up the same machine: address, disk, name, host key. Subclasses give the type."""

    name: str
    address: Output[str]
    volume_id: Output[str]
    instance_name: str
    instance_type: str
    instance: aws.ec2.Instance
    remote: RemoteMachine
    host_key: Output[str]

    def __init__(
        self, token: str, name: str, machine: str, site: Site, shape: Shape, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__(token, name, None, opts)
        self._child = ResourceOptions(parent=self)
        self._resource_name = name
        self._site, self._shape = site, shape
        self.name = machine
        self.instance_name = f"{name}-instance"
        self.instance_type = shape.instance_type
        cluster, tags = site.settings.cluster.name, site.tags
        self._interface = self._network_interface()
        self._association = self._public_address() if shape.public else None
        if self._association is None:
            self.address = self._interface.private_ip
        self._volume = self._etcd_volume() if shape.etcd_volume else None
        self.volume_id = self._volume.id if self._volume else Output.from_input("")
        self._host_key = HostKey(f"{name}-host-key", cluster, machine, tags, self._child)
        self.host_key = self._host_key.public_key
        statements = [read_own_parameters(site.account, cluster, machine), *shape.statements]
        self._role = MachineRole(name, statements, tags, self._child)

    def start(self, files: Output[tuple[NodeFile, ...]], after: Sequence[Resource] = ()) -> None:
        """Creates the instance. Apart from the constructor because `files` name the machine's address and disk."""
        site, shape = self._site, self._shape
        parameter = self._host_key.parameter_name
        user_data = files.apply(
            lambda known: compressed(cloud_config(self.name, parameter, boot_files(known), boot_units(known)))
        )
        ready = [self._role.policy, self._host_key.parameter, *site.reachable_after]
        self.instance = aws.ec2.Instance(
            self.instance_name,
            ami=site.image,
            instance_type=self.instance_type,
            iam_instance_profile=self._role.profile_name,
            key_name=site.operator_key.name,
            primary_network_interface=aws.ec2.InstancePrimaryNetworkInterfaceArgs(
                network_interface_id=self._interface.id
            ),
            metadata_options=aws.ec2.InstanceMetadataOptionsArgs(
                http_endpoint="enabled", http_tokens="required", http_put_response_hop_limit=1
            ),
            root_block_device=aws.ec2.InstanceRootBlockDeviceArgs(
                volume_type="gp3",
                volume_size=shape.root_volume_gib,
                encrypted=True,
                delete_on_termination=True,
                tags=site.tags.named(f"{self.name}-root"),
            ),
            user_data_base64=user_data,
            tags=site.tags.named(self.name),
            opts=ResourceOptions(
                parent=self,
                # A newer image or a changed script must not replace or stop a machine that holds a cluster.
                ignore_changes=["ami", "userDataBase64"],
                # Interface and disk can be attached to one instance only.
                delete_before_replace=True,
                depends_on=[
                    *([self._association] if self._association else []),
                    *ready,
                    *after,
                ],
            ),
        )
        if self._volume:
            self._attach(self._volume)
        self.remote = RemoteMachine(
            name=self.name,
            host=self.address,
            host_key=self._host_key.public_key,
            private_key=site.operator_key.private_key,
            instance=self.instance,
            bastion=None if shape.public else site.bastion,
        )

    def register(self, **known: Output[bool]) -> None:
        """Ends the machine's part of the program. The state keeps what is `known` for the next update."""
        self.register_outputs({"publicAddress" if self._shape.public else "privateAddress": self.address, **known})

    def _network_interface(self) -> aws.ec2.NetworkInterface:
        """An interface of its own keeps the private address."""
        shape = self._shape
        return aws.ec2.NetworkInterface(
            f"{self._resource_name}-interface",
            subnet_id=shape.subnet_id,
            private_ips=[shape.private_address] if shape.private_address else None,
            security_groups=[self._site.groups.ids[shape.party]],
            description=f"{self._site.settings.cluster.name} {self.name}",
            tags=self._site.tags.named(self.name),
            opts=ResourceOptions(parent=self, delete_before_replace=True),
        )

    def _public_address(self) -> aws.ec2.EipAssociation:
        address = aws.ec2.Eip(
            f"{self._resource_name}-address",
            domain="vpc",
            tags=self._site.tags.named(self.name),
            # An Elastic IP needs the internet gateway, and the gateway cannot go while one is in use.
            opts=ResourceOptions(parent=self, depends_on=self._site.reachable_after),
        )
        self.address = address.public_ip
        return aws.ec2.EipAssociation(
            f"{self._resource_name}-address",
            allocation_id=address.allocation_id,
            network_interface_id=self._interface.id,
            opts=ResourceOptions(parent=self, delete_before_replace=True),
        )

    def _etcd_volume(self) -> aws.ebs.Volume:
        etcd = self._site.settings.etcd
        return aws.ebs.Volume(
            f"{self._resource_name}-etcd",
            availability_zone=self._shape.zone,
            size=etcd.volume_gib,
            type="gp3",
            encrypted=True,
            tags=self._site.tags.named(f"{self.name}-etcd"),
            opts=ResourceOptions(parent=self, protect=True if etcd.protect_volumes else None),
        )

    def _attach(self, volume: aws.ebs.Volume) -> None:
        """No command waits for it: the provider looks for minutes, and the machine's own script waits for the disk."""
        aws.ec2.VolumeAttachment(
            f"{self._resource_name}-etcd",
            instance_id=self.instance.id,
            volume_id=volume.id,
            device_name="/dev/sdf",
            # Terminating the instance detaches; detaching a mounted disk from a running one would hang.
            opts=ResourceOptions(parent=self, deleted_with=self.instance, delete_before_replace=True),
        )


def newest_image() -> str:
    """The id of the newest Debian 12 image."""
    return aws.ssm.get_parameter(name="/aws/service/debian/release/12/latest/amd64").insecure_value
