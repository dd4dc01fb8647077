"""Fault: an instance gets an 8 GB disk under /dev/sda1 instead of its image's root device, or none where the request
lists other disks. IOPS and throughput of disks made at launch are dropped; a root disk outlives its instance.
Fault: gp3 volumes have no throughput, gp2 volumes no IOPS.
Fault: a volume is attached to an instance in another zone, to a second instance, or under a device name in use.
Fault: a root volume is detached from a running instance.
"""

from __future__ import annotations

from typing import Any

from moto.ec2.exceptions import EC2ClientError, OperationNotPermitted
from moto.ec2.models.elastic_block_store import EBSBackend
from moto.ec2.models.instances import Instance
from moto.ec2.responses.elastic_block_store import ElasticBlockStore
from moto.ec2.responses.instances import InstanceResponse

_GP3_THROUGHPUT = 125
_IMAGE_GIB = 8


def apply(region: str) -> None:
    create = EBSBackend.create_volume
    parse = InstanceResponse._parse_block_device_mapping
    run_instances = InstanceResponse.run_instances
    attach, detach = ElasticBlockStore.attach_volume, ElasticBlockStore.detach_volume

    def create_volume(self: Any, *arguments: Any, **named: Any) -> Any:
        volume = create(self, *arguments, **named)
        if volume.volume_type == "gp3" and not volume.throughput:
            volume.throughput = _GP3_THROUGHPUT
        if volume.volume_type == "gp2" and not volume.iops:
            volume.iops = min(max(100, 3 * int(volume.size)), 16000)
        return volume

    def parse_with_root(self: Any) -> Any:
        image = self.ec2_backend.amis.get(self._get_param("ImageId"))
        if image is None:
            return parse(self)
        told = self.params.setdefault("BlockDeviceMappings", [])
        root = next((mapping for mapping in told if mapping.get("DeviceName") == image.root_device_name), None)
        if root is None:
            root = {"DeviceName": image.root_device_name, "Ebs": {}}
            told.insert(0, root)
        # What the request leaves open is as the image has it.
        root["Ebs"] = {**root_mapping(image), **root.get("Ebs", {})}
        return parse(self)

    def run_with_disks(self: Any) -> Any:
        answer = run_instances(self)
        for instance in answer.result.instances:
            for mapping in self._get_param("BlockDeviceMappings", []):
                block = instance.block_device_mapping.get(mapping["DeviceName"])
                if block is None:
                    continue
                volume = self.ec2_backend.get_volume(block.volume_id)
                volume.iops = _number(mapping["Ebs"].get("Iops")) or volume.iops
                volume.throughput = _number(mapping["Ebs"].get("Throughput")) or volume.throughput
        return answer

    def attach_checked(self: Any) -> Any:
        volume = self.ec2_backend.get_volume(self._get_param("VolumeId"))
        instance = self.ec2_backend.get_instance(self._get_param("InstanceId"))
        _require_attachable(volume, instance, self._get_param("Device"))
        return attach(self)

    def detach_checked(self: Any) -> Any:
        attachment = self.ec2_backend.get_volume(self._get_param("VolumeId")).attachment
        if attachment is not None:
            instance = attachment.instance
            if attachment.device == instance.root_device_name and instance.state != "stopped":
                raise OperationNotPermitted(
                    f"Unable to detach root volume '{attachment.volume.id}' from instance '{instance.id}'"
                )
        return detach(self)

    EBSBackend.create_volume = create_volume
    Instance.setup_defaults = _add_root_disk
    InstanceResponse._parse_block_device_mapping = parse_with_root
    InstanceResponse.run_instances = run_with_disks
    ElasticBlockStore.attach_volume, ElasticBlockStore.detach_volume = attach_checked, detach_checked


def _add_root_disk(instance: Any) -> None:
    """For a launch that lists no disks itself."""
    backend = instance.ec2_backend
    image = backend.amis.get(instance.image_id)
    if image is None:
        return
    root = root_mapping(image)
    volume = backend.create_volume(
        size=root["VolumeSize"], zone_name=instance.availability_zone, volume_type=root["VolumeType"]
    )
    backend.attach_volume(volume.id, instance.id, image.root_device_name, root["DeleteOnTermination"])


def root_mapping(image: Any) -> dict[str, Any]:
    """What the image says of its root disk."""
    return {"VolumeSize": _IMAGE_GIB, "VolumeType": "gp3", "DeleteOnTermination": True, "Encrypted": False}


def _number(value: Any) -> int | None:
    return int(value) if value else None


def _require_attachable(volume: Any, instance: Any, device: str) -> None:
    if volume.attachment is not None:
        raise EC2ClientError(
            "VolumeInUse", f"{volume.id} is already attached to an instance ({volume.attachment.instance.id})"
        )
    if volume.availability_zone != instance.availability_zone:
        raise EC2ClientError(
            "InvalidVolume.ZoneMismatch",
            f"The volume '{volume.id}' is not in the same availability zone as instance '{instance.id}'",
        )
    if instance.state not in ("running", "stopped"):
        raise EC2ClientError("IncorrectState", f"Instance '{instance.id}' is not 'running'.")
    if device in instance.block_device_mapping:
        raise EC2ClientError(
            "InvalidParameterValue",
            f"Invalid value '{device}' for unixDevice. Attachment point {device} is already in use",
        )
