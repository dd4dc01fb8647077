"""AWS's answers about an account for `prod` of tests/operations/stacks.py, in the form that its command line prints.

They follow the published models of the services; no account gave them.
"""

from __future__ import annotations

import copy
import json
from typing import Any, Final

from components.plan import Plan
from components.timings import api_grace
from operations.errors import NotAnswered
from tests.operations.stacks import PROD, settings

PLAN: Final = Plan(settings(PROD))
IMAGE: Final = "ami-0d12f3ac5e9f14b27"
ZONES: Final = ("eu-central-1a", "eu-central-1b", "eu-central-1c")
GROUP: Final = PLAN.target_group_names[0]
ARN: Final = f"arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/{GROUP}/6d0ecf831eec9f09"
OWN: Final = [{"Key": "Name", "Value": "prod-x"}, {"Key": "quorate:cluster", "Value": "prod"}]
NOT_FOUND: Final = NotAnswered("An error occurred (NoSuchResourceException) …", "NoSuchResourceException")


def quota(value: float) -> dict[str, Any]:
    return {"Quota": {"ServiceCode": "ec2", "QuotaCode": "L-1216C47A", "Value": value, "Adjustable": True}}


def instance(kind: str, cpus: int, **more: Any) -> dict[str, Any]:
    return {"InstanceType": kind, "CpuOptions": {"CoreCount": cpus // 2, "ThreadsPerCore": 2}, **more}


def target(address: str, state: str, reason: str = "") -> dict[str, Any]:
    health = {"State": state, **({"Reason": reason} if reason else {})}
    return {"Target": {"Id": address, "Port": 6443}, "HealthCheckPort": "6443", "TargetHealth": health}


def event(name: str, second: int, parameters: dict[str, Any], error: str = "") -> dict[str, Any]:
    said: dict[str, Any] = {
        "eventName": name, "eventTime": f"2026-11-27T12:00:{second:02}Z", "requestParameters": parameters,
    }  # fmt: skip
    if error:
        said |= {"errorCode": "Client.InvalidParameterValue", "errorMessage": error}
    return {"EventName": name, "CloudTrailEvent": json.dumps(said)}


PROFILE: Final = "prod-control-plane-0-profile-1a2b3c4"
FACTS: Final[dict[str, Any]] = {
    "clock": {"ServerName": "169.254.169.123", "ServerAddress": "169.254.169.123", "PollIntervalUSec": "34min 8s"},
    "interface": "ens5", "mtu": 9001, "path_mtu": 9001, "segment": 8949,
    "hellos": [{"versions": ["1.2"], "suites": ["c02b", "c02f", "009c"], "names_server": False}],
}  # fmt: skip
ANSWERS: Final[dict[str, Any]] = {
    "ssm get-parameter": {"Parameter": {"Name": "…", "Type": "String", "Value": IMAGE, "Version": 41}},
    "ec2 describe-images": {
        "Images": [
            {
                "ImageId": IMAGE, "State": "available", "Architecture": "x86_64", "VirtualizationType": "hvm",
                "RootDeviceType": "ebs", "RootDeviceName": "/dev/xvda", "EnaSupport": True,
                "CreationDate": "2026-10-18T00:12:44.000Z",
            }
        ]
    },
    "ec2 describe-instance-type-offerings": {
        "InstanceTypeOfferings": [
            {"InstanceType": kind, "LocationType": "availability-zone", "Location": zone}
            for kind in ("m7i.large", "m7i.xlarge")
            for zone in ZONES
        ]
    },
    "ec2 describe-subnets": {"Subnets": []},
    "ec2 describe-availability-zones": {"AvailabilityZones": [{"ZoneName": zone} for zone in ZONES]},
    "ec2 describe-instance-types": {
        "InstanceTypes": [
            {"InstanceType": "m7i.large", "VCpuInfo": {"DefaultVCpus": 2}},
            {"InstanceType": "m7i.xlarge", "VCpuInfo": {"DefaultVCpus": 4}},
        ]
    },
    "ec2 describe-instances": {
        "Reservations": [
            {"Instances": [instance("m7i.xlarge", 4, Tags=OWN), instance("c7i.4xlarge", 16)]},
            {"Instances": [instance("p5.48xlarge", 192), instance("m7i.large", 2, InstanceLifecycle="spot")]},
        ]
    },
    "ec2 describe-addresses": {"Addresses": [{"PublicIp": "198.51.100.7", "Tags": OWN}, {"PublicIp": "198.51.100.9"}]},
    "ec2 describe-nat-gateways": {"NatGateways": []},
    "ec2 describe-vpcs": {"Vpcs": [{"VpcId": "vpc-1", "IsDefault": True}]},
    "ec2 get-ebs-default-kms-key-id": {"KmsKeyId": "alias/aws/ebs"},
    "ec2 describe-network-interfaces": {
        "NetworkInterfaces": [{"PrivateIpAddresses": [{"PrivateIpAddress": "10.20.32.11", "Primary": True}]}]
    },
    "elbv2 describe-load-balancers": {"LoadBalancers": [{"LoadBalancerName": GROUP, "Type": "network"}]},
    "elbv2 describe-target-groups": {"TargetGroups": [{"TargetGroupArn": ARN, "TargetGroupName": GROUP}]},
    "elbv2 describe-target-health": {
        "TargetHealthDescriptions": [target(address, "healthy") for address in ("10.20.32.10", "10.20.64.10")]
    },
    "elbv2 describe-target-group-attributes": {
        "Attributes": [
            {"Key": "target_health_state.unhealthy.connection_termination.enabled", "Value": "false"},
            {"Key": "target_health_state.unhealthy.draining_interval_seconds", "Value": str(api_grace())},
            {"Key": "deregistration_delay.timeout_seconds", "Value": "30"},
            {"Key": "deregistration_delay.connection_termination.enabled", "Value": "true"},
            {"Key": "preserve_client_ip.enabled", "Value": "false"},
        ]
    },
    "cloudtrail lookup-events CreateInstanceProfile": {
        "Events": [event("CreateInstanceProfile", 0, {"instanceProfileName": PROFILE})]
    },
    "cloudtrail lookup-events RunInstances": {
        "Events": [
            event("RunInstances", 19, {"iamInstanceProfile": {"name": PROFILE}}),
            event(
                "RunInstances", 9, {"iamInstanceProfile": {"name": PROFILE}}, "Invalid IAM Instance Profile name"
            ),
            event("RunInstances", 5, {"launchTemplate": {"launchTemplateId": "lt-1"}}),
        ]
    },
    "service-quotas get-service-quota": quota(64),
}  # fmt: skip


class Account:
    """Answers as recorded; `changes` replace answers, and an exception among them is raised."""

    def __init__(self, **changes: Any) -> None:
        self.answers = copy.deepcopy(ANSWERS) | {
            key.replace("__", " ").replace("_", "-"): v for key, v in changes.items()
        }
        self.asked: list[str] = []

    def __call__(self, service: str, operation: str, *parameters: str, region: str = "") -> Any:
        self.asked.append(" ".join([service, operation, *parameters]))
        fitting = [
            key
            for key in self.answers
            if self.asked[-1].startswith(" ".join(key.split()[:2])) and _fits(key, parameters)
        ]
        answer = self.answers[max(fitting, key=len)]
        if isinstance(answer, Exception):
            raise answer
        return answer


def _fits(key: str, parameters: tuple[str, ...]) -> bool:
    """Whether the words of a key after the operation are all in parameters."""
    return all(any(word in parameter for parameter in parameters) for word in key.split()[2:])


class Founder:
    """The machine that is asked, with recorded facts."""

    def __init__(self, facts: Any = FACTS) -> None:
        self._facts, self.calls = facts, list[tuple[str, ...]]()

    def facts(self, name: str, *arguments: str) -> Any:
        self.calls.append((name, *arguments))
        if isinstance(self._facts, Exception):
            raise self._facts
        return self._facts
