"""A highly available stack that breaks no rule, as resources."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from components.settings.validate import parse
from policies.model import Context, Resource, Stack
from tests.components.settings.stack_files import LARGE

ZONES: Final = ("eu-central-1a", "eu-central-1b", "eu-central-1c")
SETTINGS: Final = parse(LARGE)
CONTEXT: Final = Context(settings=SETTINGS, region="eu-central-1", monthly_budget_usd=100_000_000.0)
TYPES: Final = {
    "subnet": "aws:ec2/subnet:Subnet",
    "nat": "aws:ec2/natGateway:NatGateway",
    "interface": "aws:ec2/networkInterface:NetworkInterface",
    "instance": "aws:ec2/instance:Instance",
    "volume": "aws:ebs/volume:Volume",
    "role": "aws:iam/role:Role",
    "policy": "aws:iam/rolePolicy:RolePolicy",
    "profile": "aws:iam/instanceProfile:InstanceProfile",
    "template": "aws:ec2/launchTemplate:LaunchTemplate",
    "group": "aws:autoscaling/group:Group",
    "balancer": "aws:lb/loadBalancer:LoadBalancer",
    "targets": "aws:lb/targetGroup:TargetGroup",
    "ingress": "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
    "old-ingress": "aws:ec2/securityGroupRule:SecurityGroupRule",
    "security-group": "aws:ec2/securityGroup:SecurityGroup",
    "bucket": "aws:s3/bucket:Bucket",
    "access-block": "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    "encryption": "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    "versioning": "aws:s3/bucketVersioning:BucketVersioning",
    "parameter": "aws:ssm/parameter:Parameter",
    "attachment": "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    "managed-policy": "aws:iam/policy:Policy",
    "command": "command:remote:Command",
    "local-command": "command:local:Command",
    "namespace": "kubernetes:core/v1:Namespace",
    "deployment": "kubernetes:apps/v1:Deployment",
    "snapshot-plan": "aws:dlm/lifecyclePolicy:LifecyclePolicy",
    "release": "kubernetes:helm.sh/v3:Release",
}
MANIFEST: Final = 'image: "ghcr.io/example/plugin:v3.32.1"\n  encapsulation: VXLAN\n'


def tags(name: str) -> dict[str, str]:
    return {"quorate:cluster": "large", "Name": f"large-{name}"}


def urn(kind: str, name: str) -> str:
    return f"urn:pulumi:prod::quorate::{TYPES[kind]}::{name}"


def made(kind: str, name: str, refers: Mapping[str, str] | None = None, **props: Any) -> Resource:
    """A resource that is there already; `refers`: property to the URN that it comes from."""
    references = {key: (target,) for key, target in (refers or {}).items()}
    outputs = {"id": f"{name}-id", "arn": f"arn:{name}"}
    return Resource(TYPES[kind], name, props, outputs, urn(kind, name), references=references)


def policy(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def node_env(version: str = "1.36.4") -> str:
    return f"%%% 0644 2 /etc/quorate/node.env\nCLUSTER_NAME=large\nKUBERNETES_VERSION={version}\n%%% end 1\n"


def _role(kind: str) -> list[Resource]:
    trust = policy({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}})
    reads = {
        "Effect": "Allow",
        "Action": "ssm:GetParameter",
        "Resource": f"arn:aws:ssm:*:*:parameter/quorate/large/{kind}",
    }
    return [
        made("role", f"large-{kind}-role", assumeRolePolicy=trust, tags=tags(kind)),
        made("policy", f"large-{kind}-policy", {"role": urn("role", f"large-{kind}-role")}, policy=policy(reads)),
        made("profile", f"large-{kind}-profile", {"role": urn("role", f"large-{kind}-role")}, tags=tags(kind)),
    ]


def machine(kind: str, number: int) -> list[Resource]:
    name = f"large-{kind}-{number}"
    found = [
        made(
            "interface",
            f"{name}-interface",
            {"subnetId": urn("subnet", f"large-private-{number % 3}")},
            tags=tags(f"{kind}-{number}"),
        ),
        replace(
            made(
                "instance",
                f"{name}-instance",
                {
                    "primaryNetworkInterface": urn("interface", f"{name}-interface"),
                    "iamInstanceProfile": urn("profile", f"large-{kind}-profile"),
                },
                ami="ami-0123456789abcdef0",
                instanceType="m7i.large",
                userDataBase64="I2Nsb3VkLWNvbmZpZwo=",
                metadataOptions={"httpEndpoint": "enabled", "httpTokens": "required", "httpPutResponseHopLimit": 1},
                rootBlockDevice={"encrypted": True, "volumeSize": 30},
                tags=tags(f"{kind}-{number}"),
            ),
            ignore_changes=("ami", "userDataBase64"),
            delete_before_replace=True,
        ),
        made(
            "command",
            f"{name}-configure",
            create="sudo /opt/quorate/bin/receive-files.sh",
            stdin=node_env() if kind == "control-plane" else "",
            connection={"host": "10.64.0.10", "hostKey": "ssh-ed25519 AAAA", "proxy": {"host": "b", "hostKey": "c"}},
            environment={"LANG": "C"},
        ),
    ]
    if kind == "etcd":
        volume = made(
            "volume", f"{name}-etcd", availabilityZone=ZONES[number % 3], size=20, encrypted=True, tags=tags("data")
        )
        found.append(replace(volume, protect=True))
    return found


def _workers() -> list[Resource]:
    return [
        made(
            "template",
            "large-general",
            {"iamInstanceProfile": urn("profile", "large-workers-profile")},
            imageId="ami-0123456789abcdef0",
            userData="",
            metadataOptions={"httpTokens": "required", "httpPutResponseHopLimit": 1},
            blockDeviceMappings=[{"deviceName": "/dev/xvda", "ebs": {"encrypted": "true", "volumeSize": 30}}],
            tags=tags("general"),
        ),
        made(
            "group",
            "large-general",
            tags=[{"key": key, "value": "x", "propagateAtLaunch": True} for key in ("quorate:cluster", "Name")],
        ),
    ]


def _balancer() -> list[Resource]:
    health = {"protocol": "HTTPS", "path": "/readyz", "port": "traffic-port"}
    return [
        made(
            "balancer",
            "large-api",
            internal=True,
            loadBalancerType="network",
            securityGroups=["sg-1"],
            enableCrossZoneLoadBalancing=True,
            tags=tags("api"),
        ),
        made(
            "targets",
            "large-api",
            port=6443,
            protocol="TCP",
            preserveClientIp="false",
            healthCheck=health,
            tags=tags("api"),
        ),
    ]


def _backups() -> list[Resource]:
    bucket = {"bucket": urn("bucket", "large-backups")}
    blocks = dict.fromkeys(("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"), True)
    encrypted = [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms"}}]
    return [
        made("bucket", "large-backups", tags=tags("backups")),
        made("access-block", "large-backups-access", bucket, **blocks),
        made("encryption", "large-backups-encryption", bucket, rules=encrypted),
        made("versioning", "large-backups-versions", bucket, versioningConfiguration={"status": "Enabled"}),
    ]


def _rule(name: str, port: int, network: str) -> Resource:
    return made("ingress", name, ipProtocol="tcp", fromPort=port, toPort=port, cidrIpv4=network, tags=tags(name))


def sound_stack() -> Stack:
    """Three control planes, three external etcd members, a pool, a load balancer, backups, in three zones."""
    namespace = made("namespace", "large-smoke", metadata={"name": "smoke"})
    pods = {"template": {"spec": {"containers": [{"image": "registry.k8s.io/pause:3.10.1"}]}}}
    found = [
        *(made("subnet", f"large-private-{n}", availabilityZone=zone, tags=tags("x")) for n, zone in enumerate(ZONES)),
        *(made("nat", f"large-nat-{n}", tags=tags("nat")) for n in range(3)),
        *(resource for kind in ("control-plane", "etcd", "workers") for resource in _role(kind)),
        *(resource for kind in ("control-plane", "etcd") for n in range(3) for resource in machine(kind, n)),
        *_workers(),
        *_balancer(),
        *_backups(),
        _rule("large-in-ssh", 22, "203.0.113.7/32"),
        _rule("large-in-api", 6443, "203.0.113.0/24"),
        made("parameter", "large-host-key", type="SecureString", value="-----BEGIN PRIVATE KEY-----", tags=tags("k")),
        made("command", "large-network-plugin", create="apply", stdin=MANIFEST, connection={"hostKey": "k"}),
        replace(namespace, outputs={"metadata": {"uid": "0001"}}),
        made("deployment", "large-web", spec=pods),
    ]
    return Stack(tuple(found))
