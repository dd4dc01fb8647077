"""A worker pool as tests use it: a group over three zones."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

from sandbox.cloud.api import seeds
from sandbox.tests.cloud.api.account import Account

TEMPLATE = {
    "ImageId": seeds.DEBIAN_IMAGE,
    "InstanceType": "t3.medium",
    "UserData": base64.b64encode(bytes([0x1F, 0x8B, 0xFF])).decode(),
    "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 2},
    "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 30, "Encrypted": True}}],
    "TagSpecifications": [
        {"ResourceType": "instance", "Tags": [{"Key": "pool", "Value": "template"}]},
        {"ResourceType": "volume", "Tags": [{"Key": "of", "Value": "worker"}]},
    ],
}


@dataclass(frozen=True)
class Pool:
    """A group over three zones, and the network that it stands in."""

    account: Account
    vpc: str
    subnets: tuple[str, ...]
    group: str
    template: str

    @property
    def scaling(self) -> Any:
        return self.account.client("autoscaling")

    def launch(self, name: str = "workers", version: str = "$Latest", **options: Any) -> None:
        told = {
            "LaunchTemplate": {"LaunchTemplateId": self.template, "Version": version},
            "VPCZoneIdentifier": ",".join(self.subnets),
            "MinSize": 1,
            "MaxSize": 6,
            "DesiredCapacity": 3,
        }
        self.scaling.create_auto_scaling_group(AutoScalingGroupName=name, **told | options)

    def described(self, name: str = "workers") -> dict[str, Any]:
        found = self.scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"]
        described: dict[str, Any] = found[0]
        return described

    def instances(self) -> list[dict[str, Any]]:
        """Those in service, as EC2 describes them."""
        in_service = [i["InstanceId"] for i in self.described()["Instances"] if i["LifecycleState"] == "InService"]
        return [self.account.described(instance_id) for instance_id in in_service]

    def ids(self) -> set[str]:
        return {found["InstanceId"] for found in self.instances()}

    def next_version(self, **data: Any) -> None:
        self.account.ec2.create_launch_template_version(
            LaunchTemplateId=self.template, SourceVersion="$Latest", LaunchTemplateData=data
        )


def new_pool(account: Account) -> Pool:
    """A network over three zones and a launch template; the group is made by `launch`."""
    vpc = account.vpc()
    subnets = tuple(account.subnet(vpc, f"10.50.{n}.0/24", zone) for n, zone in enumerate("abc"))
    group = account.group(vpc)
    own = {"SecurityGroupIds": [group], "IamInstanceProfile": {"Arn": account.profile("worker")}}
    made = account.ec2.create_launch_template(LaunchTemplateName="workers", LaunchTemplateData=TEMPLATE | own)
    return Pool(account, vpc, subnets, group, made["LaunchTemplate"]["LaunchTemplateId"])
