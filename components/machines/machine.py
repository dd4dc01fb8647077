"""The instance that a machine runs on: it may be replaced, and the next one takes up the same identity."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi_aws as aws
from pulumi import Alias, ComponentResource, Output, Resource, ResourceOptions

from components.delivery.cloud_config import cloud_config, compressed
from components.delivery.node_files import NodeFile, boot_files, boot_units
from components.delivery.steps import RemoteMachine
from components.machines.identity import MachineIdentity
from components.site import Site


class Machine(ComponentResource):
    """An instance with the address, disk, name and host key of its identity."""

    instance: aws.ec2.Instance
    remote: RemoteMachine

    def __init__(
        self,
        identity: MachineIdentity,
        site: Site,
        files: Output[tuple[NodeFile, ...]],
        *,
        bastion: RemoteMachine | None = None,
        after: Sequence[Resource] = (),
    ) -> None:
        """It boots with those of `files` that are needed then; private ones are reached through `bastion`."""
        name, planned = identity.resource_name, identity.planned
        super().__init__("quorate:machines:Machine", name, None, ResourceOptions(parent=identity))
        # In the release before this one both were children of the identity itself.
        self._child = ResourceOptions(parent=self, aliases=[Alias(parent=identity)])
        parameter = identity.host_key.parameter_name
        user_data = files.apply(
            lambda known: compressed(cloud_config(planned.name, parameter, boot_files(known), boot_units(known)))
        )
        self.instance = aws.ec2.Instance(
            instance_name(name),
            ami=site.image,
            instance_type=planned.instance_type,
            iam_instance_profile=identity.role.profile_name,
            key_name=site.operator_key.name,
            primary_network_interface=aws.ec2.InstancePrimaryNetworkInterfaceArgs(
                network_interface_id=identity.interface.id
            ),
            metadata_options=aws.ec2.InstanceMetadataOptionsArgs(
                http_endpoint="enabled", http_tokens="required", http_put_response_hop_limit=1
            ),
            root_block_device=aws.ec2.InstanceRootBlockDeviceArgs(
                volume_type="gp3",
                volume_size=planned.root_volume_gib,
                encrypted=True,
                delete_on_termination=True,
                tags=site.tags.named(f"{planned.name}-root"),
            ),
            user_data_base64=user_data,
            tags=site.tags.named(planned.name),
            opts=ResourceOptions.merge(
                self._child,
                ResourceOptions(
                    # A newer image or a changed script must not replace or stop a machine that holds a cluster.
                    ignore_changes=["ami", "userDataBase64"],
                    # Interface and disk can be attached to one instance only.
                    delete_before_replace=True,
                    depends_on=[*identity.ready, *after],
                ),
            ),
        )
        if identity.volume:
            self._attach(name, identity.volume)
        self.remote = RemoteMachine(
            name=planned.name,
            host=identity.address,
            host_key=identity.host_key.public_key,
            private_key=site.operator_key.private_key,
            instance=self.instance,
            bastion=None if planned.public else bastion,
        )
        self.register_outputs({})

    def _attach(self, name: str, volume: aws.ebs.Volume) -> None:
        """No command waits for it: the provider looks for minutes, and the machine's own step waits for the disk."""
        aws.ec2.VolumeAttachment(
            f"{name}-etcd",
            instance_id=self.instance.id,
            volume_id=volume.id,
            device_name="/dev/sdf",
            # Terminating the instance detaches; detaching a mounted disk from a running one would hang.
            opts=ResourceOptions.merge(
                self._child, ResourceOptions(deleted_with=self.instance, delete_before_replace=True)
            ),
        )


def instance_name(machine: str) -> str:
    """The name of a machine's instance in the state, by the machine's resource name."""
    return f"{machine}-instance"
