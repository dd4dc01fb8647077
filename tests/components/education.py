"""The education stack's settings, and what AWS and the other providers answer to it in offline tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi

from components.settings.model import (
    AccessSettings,
    AddonSettings,
    ApiEndpointSettings,
    BackupSettings,
    ClusterSettings,
    ContainerSettings,
    ControlPlaneSettings,
    EtcdSettings,
    KubeletSettings,
    NetworkPluginSettings,
    NetworkSettings,
    Settings,
)
from tests.components.recording import Answers

SETTINGS = Settings(
    cluster=ClusterSettings(name="education"),
    network=NetworkSettings(),
    access=AccessSettings(ssh_cidrs=("203.0.113.0/24",), api_cidrs=("203.0.113.0/24", "198.18.0.0/24")),
    api_endpoint=ApiEndpointSettings(),
    etcd=EtcdSettings(),
    control_plane=ControlPlaneSettings(schedulable=True),
    kubelet=KubeletSettings(),
    workers=(),
    network_plugin=NetworkPluginSettings(),
    addons=AddonSettings(),
    backups=BackupSettings(),
    containers=ContainerSettings(),
    tags={"purpose": "learning"},
)

PRIVATE_KEY = "-----BEGIN PRIVATE KEY-----\nof {name}\n-----END PRIVATE KEY-----\n"

ZONES = ("eu-central-1a", "eu-central-1b", "eu-central-1c")


def offerings(asked: Mapping[str, Any]) -> Mapping[str, Any]:
    """Every machine type that is asked for, in every zone."""
    names = [name for each in asked.get("filters") or () for name in each["values"]]
    pairs = [(name, zone) for name in names for zone in ZONES]
    return {"instanceTypes": [name for name, _ in pairs], "locations": [zone for _, zone in pairs]}


ANSWERS: Answers = {
    "aws:index/getAvailabilityZones:getAvailabilityZones": {
        "names": ["eu-central-1b", "eu-central-1a", "eu-central-1c"]
    },
    "aws:index/getCallerIdentity:getCallerIdentity": {
        "arn": "arn:aws:iam::123456789012:user/operator",
        "accountId": "123456789012",
    },
    "aws:index/getRegion:getRegion": {"region": "eu-central-1"},
    "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings": offerings,
    "aws:ec2/getInstanceType:getInstanceType": {
        "defaultVcpus": 2,
        "memorySize": 4096,
        "supportedArchitectures": ["x86_64"],
        "supportedVirtualizationTypes": ["hvm"],
    },
    "aws:ec2/getVpcEndpointService:getVpcEndpointService": {"privateDnsName": "service.eu-central-1.amazonaws.com"},
    "aws:ssm/getParameter:getParameter": {"insecureValue": "ami-0123456789abcdef0"},
}


def outputs(kind: str, name: str, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a provider adds to a resource's inputs. Private keys are secrets, as the engine makes them."""
    match kind:
        case "tls:index/privateKey:PrivateKey":
            secret = pulumi.Output.secret(PRIVATE_KEY.format(name=name))
            return {
                "privateKeyPem": secret,
                "privateKeyOpenssh": secret,
                "publicKeyPem": f"public key of {name}\n",
                "publicKeyOpenssh": f"ssh-ed25519 AAAA{name}\n",
            }
        case "tls:index/selfSignedCert:SelfSignedCert" | "tls:index/locallySignedCert:LocallySignedCert":
            return {"certPem": f"certificate {name}\n"}
        case "tls:index/certRequest:CertRequest":
            return {"certRequestPem": f"request {name}\n"}
        case "aws:ec2/eip:Eip":
            return {"publicIp": "198.51.100.7", "allocationId": "eipalloc-1"}
        case "aws:ec2/keyPair:KeyPair":
            return {"keyName": f"{name}-name"}
        case "aws:iam/instanceProfile:InstanceProfile" | "aws:iam/role:Role":
            return {"name": f"{name}-name"}
        case "aws:lb/loadBalancer:LoadBalancer":
            return {"dnsName": f"{inputs['name']}.elb.eu-central-1.amazonaws.com", "zoneId": "Z2", "arn": f"arn:{name}"}
        case "aws:s3/bucket:Bucket":
            made = f"{inputs['bucketPrefix']}20261127"
            return {"bucket": made, "arn": f"arn:aws:s3:::{made}"}
        case "aws:kms/key:Key":
            return {"arn": "arn:aws:kms:eu-central-1:123456789012:key/1", "keyId": "1"}
        case "aws:lb/targetGroup:TargetGroup":
            return {"arn": f"arn:{name}"}
        case "aws:ec2/launchTemplate:LaunchTemplate":
            return {"latestVersion": 3}
        case "aws:ec2/networkInterface:NetworkInterface":
            return {"privateIp": (inputs.get("privateIps") or ["10.22.0.77"])[0]}
        case "aws:route53/zone:Zone":
            return {"zoneId": "Z1"}
        case "command:remote:Command":
            return {"stdout": "", "stderr": ""}
        case _:
            return {}
