"""A control-plane machine: the instance is replaceable, its address, disk and name are not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi_aws as aws
from pulumi import ComponentResource, Input, Output, Resource, ResourceOptions

from components.access import HostKey, OperatorKey
from components.bootstrap.node_files import NodeFile
from components.bootstrap.remote import RemoteMachine
from components.identity.roles import MachineRole
from components.identity.statements import Account, read_own_parameters
from components.machines.user_data import cloud_config, compressed
from components.settings.model import Settings
from components.tags import Tags


@dataclass(frozen=True)
class Place:
    """Where a machine stands: its subnet, the zone of that subnet, and its fixed address in it."""

    subnet_id: Input[str]
    zone: str
    private_address: str


class ControlPlaneMachine(ComponentResource):
    """One control-plane machine. Replacing the instance brings up the same machine: address, disk, name, host key."""

    name: str
    private_address: str
    public_address: Output[str]
    volume_id: Output[str]
    instance: aws.ec2.Instance
    remote: RemoteMachine
    host_key: Output[str]

    def __init__(
        self,
        name: str,
        machine: str,
        settings: Settings,
        account: Account,
        place: Place,
        security_group_id: Input[str],
        operator_key: OperatorKey,
        tags: Tags,
        reachable_after: Sequence[Resource],
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("quorate:machines:ControlPlaneMachine", name, None, opts)
        self._child = ResourceOptions(parent=self)
        self._resource_name = name
        self._machine = machine
        self._settings = settings
        self._tags = tags
        self._operator_key = operator_key
        self._reachable_after = reachable_after
        self.name = machine
        self.private_address = place.private_address
        self._interface, self._association = self._addresses(place, security_group_id)
        self._volume = aws.ebs.Volume(
            f"{name}-etcd",
            availability_zone=place.zone,
            size=settings.etcd.volume_gib,
            type="gp3",
            encrypted=True,
            tags=tags.named(f"{machine}-etcd"),
            opts=self._child,
        )
        self.volume_id = self._volume.id
        self._host_key = HostKey(f"{name}-host-key", settings.cluster.name, machine, tags, self._child)
        self.host_key = self._host_key.public_key
        self._role = MachineRole(
            name, [read_own_parameters(account, settings.cluster.name, machine)], tags, self._child
        )

    def start(self, files: Output[tuple[NodeFile, ...]]) -> None:
        """Creates the instance. Apart from the constructor because `files` name the machine's address and disk."""
        settings, tags = self._settings, self._tags
        user_data = files.apply(lambda known: compressed(cloud_config(self.name, self._host_key.parameter_name, known)))
        image = aws.ssm.get_parameter(name="/aws/service/debian/release/12/latest/amd64").insecure_value
        self.instance = aws.ec2.Instance(
            f"{self._resource_name}-instance",
            ami=image,
            instance_type=settings.control_plane.instance_type,
            iam_instance_profile=self._role.profile_name,
            key_name=self._operator_key.name,
            primary_network_interface=aws.ec2.InstancePrimaryNetworkInterfaceArgs(
                network_interface_id=self._interface.id
            ),
            metadata_options=aws.ec2.InstanceMetadataOptionsArgs(
                http_endpoint="enabled", http_tokens="required", http_put_response_hop_limit=1
            ),
            root_block_device=aws.ec2.InstanceRootBlockDeviceArgs(
                volume_type="gp3",
                volume_size=settings.control_plane.root_volume_gib,
                encrypted=True,
                delete_on_termination=True,
                tags=tags.named(f"{self.name}-root"),
            ),
            user_data_base64=user_data,
            tags=tags.named(self.name),
            opts=ResourceOptions(
                parent=self,
                # A newer image or a changed script must not replace or stop a machine that holds a cluster.
                ignore_changes=["ami", "userDataBase64"],
                # Interface and disk can be attached to one instance only.
                delete_before_replace=True,
                depends_on=[self._association, self._role.policy, self._host_key.parameter, *self._reachable_after],
            ),
        )
        # No command waits for it: the provider looks for minutes, and the machine's own script waits for the disk.
        aws.ec2.VolumeAttachment(
            f"{self._resource_name}-etcd",
            instance_id=self.instance.id,
            volume_id=self._volume.id,
            device_name="/dev/sdf",
            # Terminating the instance detaches; detaching a mounted disk from a running one would hang.
            opts=ResourceOptions(parent=self, deleted_with=self.instance, delete_before_replace=True),
        )
        self.remote = RemoteMachine(
            name=self.name,
            host=self.public_address,
            host_key=self._host_key.public_key,
            private_key=self._operator_key.private_key,
            instance=self.instance,
        )
        self.register_outputs({"publicAddress": self.public_address})

    def _addresses(
        self, place: Place, security_group_id: Input[str]
    ) -> tuple[aws.ec2.NetworkInterface, aws.ec2.EipAssociation]:
        """A network interface of its own keeps the private address, an Elastic IP the public one."""
        interface = aws.ec2.NetworkInterface(
            f"{self._resource_name}-interface",
            subnet_id=place.subnet_id,
            private_ips=[place.private_address],
            security_groups=[security_group_id],
            description=f"{self._settings.cluster.name} {self.name}",
            tags=self._tags.named(self.name),
            opts=ResourceOptions(parent=self, delete_before_replace=True),
        )
        address = aws.ec2.Eip(
            f"{self._resource_name}-address",
            domain="vpc",
            tags=self._tags.named(self.name),
            # An Elastic IP needs the internet gateway, and the gateway cannot go while one is in use.
            opts=ResourceOptions(parent=self, depends_on=self._reachable_after),
        )
        association = aws.ec2.EipAssociation(
            f"{self._resource_name}-address",
            allocation_id=address.allocation_id,
            network_interface_id=interface.id,
            opts=ResourceOptions(parent=self, delete_before_replace=True),
        )
        self.public_address = address.public_ip
        return interface, association
