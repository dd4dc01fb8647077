"""What an account holds, and what a project would change in it."""

from __future__ import annotations

import json

from sandbox.tests.cloud.api.account import Account
from tests.pulumi_project import Project


def leftovers(account: Account) -> dict[str, int]:
    """What an account holds beyond what AWS put there: the default VPC."""
    ec2, iam = account.ec2, account.client("iam")
    not_default = [{"Name": "is-default", "Values": ["false"]}]
    reservations = ec2.describe_instances()["Reservations"]
    found = {
        "instances": [i for r in reservations for i in r["Instances"] if i["State"]["Name"] != "terminated"],
        "networks": ec2.describe_vpcs(Filters=not_default)["Vpcs"],
        "interfaces": ec2.describe_network_interfaces()["NetworkInterfaces"],
        "addresses": ec2.describe_addresses()["Addresses"],
        "volumes": ec2.describe_volumes()["Volumes"],
        "gateways": ec2.describe_internet_gateways()["InternetGateways"],
        "nat gateways": [g for g in ec2.describe_nat_gateways()["NatGateways"] if g["State"] != "deleted"],
        "endpoints": ec2.describe_vpc_endpoints()["VpcEndpoints"],
        "groups": [g for g in ec2.describe_security_groups()["SecurityGroups"] if g["GroupName"] != "default"],
        "keys": ec2.describe_key_pairs()["KeyPairs"],
        "templates": ec2.describe_launch_templates()["LaunchTemplates"],
        "pools": account.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"],
        "roles": iam.list_roles()["Roles"],
        "profiles": iam.list_instance_profiles()["InstanceProfiles"],
        "zones": account.client("route53").list_hosted_zones()["HostedZones"],
        "buckets": account.client("s3").list_buckets()["Buckets"],
        "load balancers": account.client("elbv2").describe_load_balancers()["LoadBalancers"],
        "target groups": account.client("elbv2").describe_target_groups()["TargetGroups"],
        "encryption keys": _encryption_keys(account),
        "parameters": account.client("ssm").describe_parameters()["Parameters"],
    }
    return {kind: len(items) for kind, items in found.items() if items}


def _encryption_keys(account: Account) -> list[str]:
    """Those with a tag, so not AWS's own, that can be used: AWS deletes a key weeks after it was asked to."""
    kms = account.client("kms")
    keys = [key["KeyId"] for key in kms.list_keys()["Keys"]]
    own = [key for key in keys if kms.list_resource_tags(KeyId=key)["Tags"]]
    return [key for key in own if kms.describe_key(KeyId=key)["KeyMetadata"]["Enabled"]]


def differences(project: Project) -> set[str]:
    """What a preview would do after reading everything back from the account: `same`, or what changes where."""
    steps = json.loads(project.run("preview", "--json", "--refresh", "--show-sames"))["steps"]
    return {
        "same" if step["op"] == "same" else f"{step['op']} {step['urn']}: {step.get('detailedDiff')}"
        for step in steps
        if step["op"] != "refresh"
    }


def ids(project: Project) -> dict[str, str]:
    """Of every resource in the stack: two of different types may have one name."""
    resources = json.loads(project.run("stack", "export"))["deployment"]["resources"]
    return {entry["urn"]: entry["id"] for entry in resources if "id" in entry}
