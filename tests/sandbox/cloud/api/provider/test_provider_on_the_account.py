from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from tests.sandbox.cloud.api.account import Account

if TYPE_CHECKING:
    from tests.sandbox.engine.conftest import Project

PROGRAM = Path(__file__).with_name("program.py")


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
        "groups": [g for g in ec2.describe_security_groups()["SecurityGroups"] if g["GroupName"] != "default"],
        "keys": ec2.describe_key_pairs()["KeyPairs"],
        "roles": iam.list_roles()["Roles"],
        "profiles": iam.list_instance_profiles()["InstanceProfiles"],
        "zones": account.client("route53").list_hosted_zones()["HostedZones"],
        "buckets": account.client("s3").list_buckets()["Buckets"],
        "parameters": account.client("ssm").describe_parameters()["Parameters"],
    }
    return {kind: len(items) for kind, items in found.items() if items}


@pytest.mark.engine
def test_the_aws_provider_creates_reads_back_changes_and_removes_all_it_is_told(
    account: Account, project: Project
) -> None:
    key = ed25519.Ed25519PrivateKey.generate().public_key()
    openssh = key.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    (project.folder / "operator.pub").write_bytes(openssh)
    shutil.copy(PROGRAM, project.folder / "__main__.py")
    changed = replace(project, environment={**project.environment, "VARIANT": "1"})
    project.run("up", "--yes", "--skip-preview")
    assert project.output("zone") == "eu-central-1b"
    assert project.output("address") == "198.51.100.1"
    assert differences(project) == {"same"}
    before = ids(project)
    changed.run("up", "--yes", "--skip-preview")
    assert ids(changed) == before, "something was replaced that AWS changes in place"
    assert differences(changed) == {"same"}
    changed.run("destroy", "--yes", "--skip-preview")
    assert leftovers(account) == {}


def differences(project: Project) -> set[str]:
    """The kinds of step that a preview has, after reading everything back from the account."""
    return set(json.loads(project.run("preview", "--json", "--refresh"))["changeSummary"])


def ids(project: Project) -> dict[str, str]:
    """Of every resource in the stack: two of different types may have one name."""
    resources = json.loads(project.run("stack", "export"))["deployment"]["resources"]
    return {entry["urn"]: entry["id"] for entry in resources if "id" in entry}
