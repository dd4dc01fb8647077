"""Tags. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from policies.model import Context, Finding, Parameter, Resource, ResourceRule, Severity
from policies.values import UNKNOWN, at, items

# Types of the provider that take `tags`, among those that a cluster may use.
TAGGABLE: Final = frozenset(
    {
        "aws:ebs/volume:Volume",
        "aws:ec2/eip:Eip",
        "aws:ec2/instance:Instance",
        "aws:ec2/internetGateway:InternetGateway",
        "aws:ec2/keyPair:KeyPair",
        "aws:ec2/launchTemplate:LaunchTemplate",
        "aws:ec2/natGateway:NatGateway",
        "aws:ec2/networkInterface:NetworkInterface",
        "aws:ec2/routeTable:RouteTable",
        "aws:ec2/securityGroup:SecurityGroup",
        "aws:ec2/subnet:Subnet",
        "aws:ec2/vpc:Vpc",
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        "aws:iam/instanceProfile:InstanceProfile",
        "aws:iam/policy:Policy",
        "aws:iam/role:Role",
        "aws:kms/key:Key",
        "aws:lb/listener:Listener",
        "aws:lb/loadBalancer:LoadBalancer",
        "aws:lb/targetGroup:TargetGroup",
        "aws:route53/zone:Zone",
        "aws:s3/bucket:Bucket",
        "aws:secretsmanager/secret:Secret",
        "aws:sqs/queue:Queue",
        "aws:ssm/parameter:Parameter",
        "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
    }
)
_GROUP: Final = "aws:autoscaling/group:Group"


def tags_are_there(resource: Resource, context: Context) -> Iterable[Finding]:
    if resource.type not in TAGGABLE and resource.type != _GROUP:
        return
    tags = resource.get("tags")
    if tags is UNKNOWN or (isinstance(tags, list) and UNKNOWN in tags):
        return
    there = set(tags) if isinstance(tags, dict) else set()
    if resource.type == _GROUP:
        there = {key for entry in items(tags) if isinstance(key := at(entry, "key"), str)}
    missing = [key for key in context.parameters["required"] if key not in there]
    if missing:
        yield Finding(
            f"{resource.name} lacks the tag{'s' if len(missing) > 1 else ''} {', '.join(missing)}.",
            "give it tags.named(…), which has the cluster's and the stack's.",
            resource,
        )


RULES = (
    ResourceRule(
        "resources-are-tagged",
        "Every resource is tagged with the cluster it belongs to.",
        "the cluster's tag is how costs are attributed, how permissions are narrowed, and how leftovers of a destroy "
        "are found.",
        Severity.LOW,
        parameters={"required": Parameter({"type": "array", "items": {"type": "string"}}, ["quorate:cluster", "Name"])},
        check=tags_are_there,
    ),
)
