"""Fault: ModifyInstanceAttribute refuses user data as the SDKs send it, and changes type and user data of an instance
that is running.
Fault: ModifyInstanceMetadataOptions resets what the request leaves open.
Fault: after ReplaceIamInstanceProfileAssociation, DescribeInstances shows the old profile.
"""

from __future__ import annotations

import base64
from typing import Any

from moto.core.responses import EmptyResult
from moto.core.types import Base64EncodedString
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.iam_instance_profile import IamInstanceProfileAssociationBackend
from moto.ec2.models.instance_types import INSTANCE_TYPES
from moto.ec2.models.instances import InstanceBackend
from moto.ec2.responses.instances import InstanceResponse

_STOPPED_ONLY = ("instance_type", "user_data")
_METADATA_OPTIONS = {
    "http_tokens": "http_tokens",
    "hop_limit": "http_put_response_hop_limit",
    "http_endpoint": "http_endpoint",
    "http_protocol": "http_protocol_ipv6",
    "metadata_tags": "instance_metadata_tags",
}
"""Parameters of moto's method, and where an instance has their values."""


def apply(region: str) -> None:
    modify, modify_request = InstanceBackend.modify_instance_attribute, InstanceResponse.modify_instance_attribute
    replace = IamInstanceProfileAssociationBackend.replace_iam_instance_profile_association

    def modify_attribute(self: Any, instance_id: str, key: str, value: Any) -> Any:
        instance = self.get_instance(instance_id)
        if key in _STOPPED_ONLY and instance.state != "stopped":
            raise EC2ClientError(
                "IncorrectInstanceState", f"The instance '{instance_id}' is not in the 'stopped' state."
            )
        if key == "instance_type" and value not in INSTANCE_TYPES:
            raise EC2ClientError("InvalidInstanceAttributeValue", f"The instance type '{value}' is not known")
        return modify(self, instance_id, key, value)

    def modify_with_user_data(self: Any) -> Any:
        value = self._get_param("UserData.Value")
        if value is None:
            return modify_request(self)
        # The request's parser has decoded it already.
        content = value if isinstance(value, bytes) else str(value).encode()
        self.ec2_backend.modify_instance_attribute(
            self._get_param("InstanceId"), "user_data", Base64EncodedString(base64.b64encode(content).decode())
        )
        return EmptyResult()

    def replace_profile(self: Any, *arguments: Any, **named: Any) -> Any:
        association = replace(self, *arguments, **named)
        profile = {"Arn": association.iam_instance_profile.arn, "Id": association.association_id}
        association.instance.iam_instance_profile = profile
        return association

    modify_metadata = InstanceBackend.modify_instance_metadata_options

    def modify_metadata_options(self: Any, instance_id: str, **named: Any) -> Any:
        known = self.get_instance(instance_id).metadata_options
        kept = {parameter: getattr(known, attribute) for parameter, attribute in _METADATA_OPTIONS.items()}
        told = {parameter: value for parameter, value in named.items() if value is not None}
        return modify_metadata(self, instance_id, **kept | told)

    InstanceBackend.modify_instance_metadata_options = modify_metadata_options
    InstanceBackend.modify_instance_attribute = modify_attribute
    InstanceResponse.modify_instance_attribute = modify_with_user_data
    IamInstanceProfileAssociationBackend.replace_iam_instance_profile_association = replace_profile
