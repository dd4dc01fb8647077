"""Fault: ModifyInstanceAttribute refuses user data as the SDKs send it, and changes type and user data of an instance
that is running.
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

    InstanceBackend.modify_instance_attribute = modify_attribute
    InstanceResponse.modify_instance_attribute = modify_with_user_data
    IamInstanceProfileAssociationBackend.replace_iam_instance_profile_association = replace_profile
