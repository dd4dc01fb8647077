"""The account as tests use it: by boto3, and with what they make again and again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from sandbox.cloud.api import seeds
from sandbox.cloud.api.operator import OPERATOR_ACCESS_KEY, OPERATOR_SECRET_KEY
from sandbox.cloud.api.server import REGION, Api

_TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}],
    }
)


class Key(NamedTuple):
    """An access key, and the token that belongs to a temporary one."""

    name: str
    secret: str
    token: str | None = None


OPERATOR = Key(OPERATOR_ACCESS_KEY, OPERATOR_SECRET_KEY)


@cache
def _client(service: str, port: int, key: Key) -> Any:
    return boto3.client(
        service,
        region_name=REGION,
        endpoint_url=f"http://127.0.0.1:{port}",
        aws_access_key_id=key.name,
        aws_secret_access_key=key.secret,
        aws_session_token=key.token,
        config=Config(retries={"max_attempts": 1}, proxies={}),
    )


@dataclass(frozen=True)
class Account:
    """An empty account, and what the tests make in it again and again."""

    api: Api

    def client(self, service: str, key: Key = OPERATOR) -> Any:
        return _client(service, self.api.port, key)

    @property
    def ec2(self) -> Any:
        return self.client("ec2")

    def vpc(self) -> str:
        return str(self.ec2.create_vpc(CidrBlock="10.50.0.0/16")["Vpc"]["VpcId"])

    def subnet(self, vpc: str, cidr: str = "10.50.1.0/24", zone: str = "a") -> str:
        made = self.ec2.create_subnet(VpcId=vpc, CidrBlock=cidr, AvailabilityZone=f"{REGION}{zone}")
        return str(made["Subnet"]["SubnetId"])

    def group(self, vpc: str, name: str = "nodes") -> str:
        return str(self.ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"])

    def gateway(self, vpc: str) -> str:
        made = str(self.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"])
        self.ec2.attach_internet_gateway(InternetGatewayId=made, VpcId=vpc)
        return made

    def profile(self, name: str) -> str:
        """An instance profile with a role of the same name that EC2 may take; its ARN."""
        iam = self.client("iam")
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=_TRUST)
        arn = iam.create_instance_profile(InstanceProfileName=name)["InstanceProfile"]["Arn"]
        iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
        return str(arn)

    def interface(self, subnet: str, **options: Any) -> str:
        made = self.ec2.create_network_interface(SubnetId=subnet, **options)
        return str(made["NetworkInterface"]["NetworkInterfaceId"])

    def instance(self, **options: Any) -> str:
        launch = {"ImageId": seeds.DEBIAN_IMAGE, "InstanceType": "t3.large", "MinCount": 1, "MaxCount": 1}
        return str(self.ec2.run_instances(**launch | options)["Instances"][0]["InstanceId"])

    def instance_on(self, interface: str, **options: Any) -> str:
        return self.instance(NetworkInterfaces=[{"DeviceIndex": 0, "NetworkInterfaceId": interface}], **options)

    def role_key(self, role: str, instance: str = "i-0123456789abcdef0") -> Key:
        """A temporary key of a role, as an instance's metadata gives it out."""
        issued = self.api.role_credentials(role, instance)
        return Key(issued["AccessKeyId"], issued["SecretAccessKey"], issued["Token"])

    def described(self, instance: str) -> dict[str, Any]:
        found: dict[str, Any] = self.ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
        return found


class Refusal:
    """What a refused call said."""

    code = ""
    message = ""


class refused:  # noqa: N801  (reads as a phrase: `with refused("VolumeInUse"):`)
    """The block must end in AWS's error `code`."""

    def __init__(self, code: str) -> None:
        self._code = code
        self._refusal = Refusal()

    def __enter__(self) -> Refusal:
        return self._refusal

    def __exit__(self, kind: Any, error: Any, trace: Any) -> bool:
        assert isinstance(error, ClientError), f"expected {self._code}, but the call was {error or 'accepted'}"
        self._refusal.code, self._refusal.message = error.response["Error"]["Code"], error.response["Error"]["Message"]
        assert self._refusal.code == self._code, f"expected {self._code}, got {error}"
        return True
