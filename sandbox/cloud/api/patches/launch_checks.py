"""Fault: RunInstances takes an image, a key or an instance type that does not exist, a type of another architecture
than the image or that the zone does not offer, user data beyond 16 KB, and a root disk smaller than the image.
"""

from __future__ import annotations

import base64
from typing import Any

from moto.ec2.exceptions import (
    EC2ClientError,
    InvalidAMIIdError,
    InvalidKeyPairNameError,
    InvalidSecurityGroupNotFoundError,
)
from moto.ec2.models.instance_types import INSTANCE_TYPES
from moto.ec2.responses.instances import InstanceResponse

from sandbox.cloud.api.patches.block_devices import root_mapping

_MAXIMUM_USER_DATA_BYTES = 16384


def apply(region: str) -> None:
    run_instances = InstanceResponse.run_instances

    def run_checked(self: Any) -> Any:
        image = _image(self.ec2_backend, self._get_param("ImageId"))
        _require_type(self.ec2_backend, self._get_param("InstanceType", "m1.small"), image, _zone(self))
        _require_root_size(self, image)
        _require_known_groups(self)
        _require_key(self.ec2_backend, self._get_param("KeyName"))
        _require_small_user_data(self._get_param("UserData"))
        return run_instances(self)

    InstanceResponse.run_instances = run_checked


def _image(backend: Any, image_id: str | None) -> Any:
    if not image_id:
        raise EC2ClientError("MissingParameter", "The request must contain the parameter ImageId")
    image = backend.amis.get(image_id)
    if image is None:
        raise InvalidAMIIdError(image_id)
    return image


def _zone(request: Any) -> str | None:
    """The zone that the request decides, by subnet, interface or name."""
    backend = request.ec2_backend
    for nic in request._get_param("NetworkInterfaces", []):
        if nic.get("NetworkInterfaceId"):
            return str(backend.get_network_interface(nic["NetworkInterfaceId"]).subnet.availability_zone)
        if nic.get("SubnetId"):
            return str(backend.get_subnet(nic["SubnetId"]).availability_zone)
    subnet_id = request._get_param("SubnetId")
    return str(backend.get_subnet(subnet_id).availability_zone) if subnet_id else None


def _require_type(backend: Any, name: str, image: Any, zone: str | None) -> None:
    known = INSTANCE_TYPES.get(name)
    if known is None:
        raise EC2ClientError("InvalidParameterValue", f"Invalid value '{name}' for InstanceType.")
    architectures = known["ProcessorInfo"]["SupportedArchitectures"]
    if image.architecture not in architectures:
        raise EC2ClientError(
            "InvalidParameterValue",
            f"The architecture '{','.join(architectures)}' of the specified instance type does not match the "
            f"architecture '{image.architecture}' of the specified AMI. Specify an instance type and an AMI that have "
            "matching architectures, and try again.",
        )
    offerings = backend.describe_instance_type_offerings("availability-zone", {"instance-type": [name]})
    offered = sorted(offering["Location"] for offering in offerings)
    if zone is not None and zone not in offered:
        raise EC2ClientError(
            "Unsupported",
            f"Your requested instance type ({name}) is not supported in your requested Availability Zone ({zone}). "
            "Please retry your request by not specifying an Availability Zone or choosing "
            f"{', '.join(offered) or 'another region'}.",
        )


def _require_root_size(request: Any, image: Any) -> None:
    mappings = {told["DeviceName"]: told for told in request._get_param("BlockDeviceMappings", [])}
    size = mappings.get(image.root_device_name, {}).get("Ebs", {}).get("VolumeSize")
    least = root_mapping(image)["VolumeSize"]
    if size is not None and int(size) < least:
        raise EC2ClientError(
            "InvalidBlockDeviceMapping",
            f"Volume of size {size}GB is smaller than snapshot of {image.id}, expect size >= {least}GB",
        )


def _require_known_groups(request: Any) -> None:
    interfaces = request._get_param("NetworkInterfaces", [])
    named = [*request._get_param("SecurityGroupIds", []), *(g for nic in interfaces for g in nic.get("Groups") or [])]
    for group_id in named:
        if request.ec2_backend.get_security_group_from_id(group_id) is None:
            raise InvalidSecurityGroupNotFoundError(group_id)


def _require_key(backend: Any, name: str | None) -> None:
    if name and name not in backend.key_pairs:
        raise InvalidKeyPairNameError(name)


def _require_small_user_data(encoded: Any) -> None:
    if encoded and len(base64.b64decode(str(encoded))) > _MAXIMUM_USER_DATA_BYTES:
        raise EC2ClientError("InvalidParameterValue", "User data is limited to 16384 bytes")
