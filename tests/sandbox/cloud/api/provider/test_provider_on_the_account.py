from __future__ import annotations

import json
import os
import shutil
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from sandbox.cloud.api.credentials import OPERATOR_ACCESS_KEY
from sandbox.cloud.api.proxy import EndpointProxy
from sandbox.engine.install import prepare
from tests.sandbox.cloud.api.account import Account
from tests.sandbox.engine.conftest import Project

PROGRAM = Path(__file__).with_name("program.py")


@pytest.fixture
def proxy(account: Account) -> Iterator[EndpointProxy]:
    listener = socket.create_server(("127.0.0.1", 0))
    proxy = EndpointProxy(listener, account.api.authority, ("127.0.0.1", account.api.port), lambda line: None)
    proxy.start()
    yield proxy
    proxy.stop()


@pytest.fixture
def project(account: Account, proxy: EndpointProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The program's project, whose provider reaches the account by AWS's real names."""
    monkeypatch.setenv("QUORATE_STATE", str(tmp_path / "engine"))
    folder = tmp_path / "project"
    folder.mkdir()
    environment = {
        **os.environ,
        **prepare(lambda line: None),
        "HTTPS_PROXY": f"http://127.0.0.1:{proxy.port}",
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
        "AWS_CA_BUNDLE": str(account.api.authority.certificate_path),
        "AWS_ACCESS_KEY_ID": OPERATOR_ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": "any",
        "VARIANT": "0",
    }
    runtime = {"name": "python", "options": {"virtualenv": sys.prefix}}
    (folder / "Pulumi.yaml").write_text(json.dumps({"name": "probe", "runtime": runtime}))
    config = {"aws:region": account.api.region, "aws:defaultTags": {"tags": {"project": "quorate"}}}
    (folder / "Pulumi.test.yaml").write_text(json.dumps({"config": config}))
    key = ed25519.Ed25519PrivateKey.generate().public_key()
    openssh = key.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    (folder / "operator.pub").write_bytes(openssh)
    shutil.copy(PROGRAM, folder / "__main__.py")
    made = Project(folder, environment)
    made.run("stack", "init", "test")
    return made


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
    changed = Project(project.folder, {**project.environment, "VARIANT": "1"})
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
