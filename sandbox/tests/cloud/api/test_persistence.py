from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from sandbox.cloud.api import persistence, seeds
from sandbox.errors import SandboxError
from sandbox.tests.cloud.api.account import Account
from sandbox.tests.cloud.pools import Pool

ASK_AFTER_RESTART = """
import json, sys
from pathlib import Path
from sandbox.cloud.api.server import Api
from sandbox.tests.cloud.api.account import Account
api = Api(Path(sys.argv[1]))
api.start()
account = Account(api)
ec2, iam, ssm = account.ec2, account.client("iam"), account.client("ssm")
made = json.loads(sys.argv[2])
account.instance_on(account.interface(made["subnet"], PrivateIpAddress="10.50.1.11"))
print(json.dumps({
    "addresses": sorted(i["PrivateIpAddress"] for i in ec2.describe_network_interfaces()["NetworkInterfaces"]),
    "states": [i["State"]["Name"] for r in ec2.describe_instances()["Reservations"] for i in r["Instances"]],
    "parameter": ssm.get_parameter(Name="/quorate/x", WithDecryption=True)["Parameter"]["Value"],
    "policies": [p["PolicyName"] for p in iam.list_attached_role_policies(RoleName="node")["AttachedPolicies"]],
    "object": account.client("s3").get_object(Bucket="backups", Key="a")["Body"].read().decode(),
    "zones": [z["Name"] for z in account.client("route53").list_hosted_zones()["HostedZones"]],
    "view": [i.private_ip for i in api.view().instances],
}))
"""

SCALE_AFTER_RESTART = """
import json, sys
from pathlib import Path
from sandbox.cloud.api.server import Api
from sandbox.tests.cloud.api.account import Account
api = Api(Path(sys.argv[1]))
api.start()
scaling = Account(api).client("autoscaling")
scaling.set_desired_capacity(AutoScalingGroupName="workers", DesiredCapacity=3)
instances = scaling.describe_auto_scaling_instances()["AutoScalingInstances"]
activities = scaling.describe_scaling_activities(AutoScalingGroupName="workers")["Activities"]
print(json.dumps({
    "members": sorted((i["AvailabilityZone"][-1], i["LifecycleState"]) for i in instances),
    "activities": [a["StatusCode"] for a in activities],
}))
"""


def make_some_of_everything(account: Account) -> str:
    subnet = account.subnet(account.vpc())
    account.instance_on(
        account.interface(subnet, PrivateIpAddress="10.50.1.10"),
        BlockDeviceMappings=[{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 30, "Encrypted": True}}],
    )
    account.client("ssm").put_parameter(Name="/quorate/x", Type="SecureString", Value="kept")
    iam = account.client("iam")
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}
    iam.create_role(
        RoleName="node", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )
    reads = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
    policy = iam.create_policy(
        PolicyName="reads", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [reads]})
    )
    iam.attach_role_policy(RoleName="node", PolicyArn=policy["Policy"]["Arn"])
    s3 = account.client("s3")
    s3.create_bucket(Bucket="backups", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    s3.put_object(Bucket="backups", Key="a", Body=b"snapshot")
    account.client("route53").create_hosted_zone(Name="cluster.internal", CallerReference="1")
    return subnet


@pytest.mark.slow
def test_another_process_finds_the_account_as_it_was_and_goes_on(account: Account, tmp_path: Path) -> None:
    made = json.dumps({"subnet": make_some_of_everything(account)})
    persistence.save(tmp_path / "account.dill", persistence.capture())
    outcome = subprocess.run(
        [sys.executable, "-c", ASK_AFTER_RESTART, str(tmp_path), made], capture_output=True, text=True, timeout=60
    )
    assert outcome.returncode == 0, outcome.stderr[-3000:]
    assert json.loads(outcome.stdout) == {
        "addresses": ["10.50.1.10", "10.50.1.11"],
        "states": ["running", "running"],
        "parameter": "kept",
        "policies": ["reads"],
        "object": "snapshot",
        "zones": ["cluster.internal."],
        "view": ["10.50.1.10", "10.50.1.11"],
    }


@pytest.mark.slow
def test_another_process_goes_on_with_a_group(pool: Pool, tmp_path: Path) -> None:
    pool.launch(DesiredCapacity=2)
    persistence.save(tmp_path / "account.dill", persistence.capture())
    outcome = subprocess.run(
        [sys.executable, "-c", SCALE_AFTER_RESTART, str(tmp_path)], capture_output=True, text=True, timeout=60
    )
    assert outcome.returncode == 0, outcome.stderr[-3000:]
    assert json.loads(outcome.stdout) == {
        "members": [["a", "InService"], ["b", "InService"], ["c", "InService"]],
        "activities": ["Successful"] * 3,
    }


def test_what_a_request_changed_is_in_the_file_soon(account: Account) -> None:
    file: Path = account.api._state / "account.dill"
    account.client("ssm").put_parameter(Name="/quorate/unmistakable", Type="String", Value="x")
    written = threading.Event()
    for _ in range(500):
        if file.exists() and b"unmistakable" in file.read_bytes():
            return
        written.wait(0.01)
    pytest.fail(f"{file} does not have the change after 5 s")


def test_the_file_is_its_owners_alone_and_small(account: Account, tmp_path: Path) -> None:
    file = tmp_path / "account.dill"
    persistence.save(file, persistence.capture())
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.stat().st_size < 500_000
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


@pytest.mark.parametrize("content", [b"", b"not an account"])
def test_a_file_that_cannot_be_read_is_named_with_the_way_out(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "account.dill"
    file.write_bytes(content)
    with pytest.raises(SandboxError, match=r"account\.dill: .* cannot be read .* `python -m sandbox down` removes it"):
        persistence.load(file)


def test_an_account_of_another_moto_is_not_taken_for_ones_own(
    account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "account.dill"
    persistence.save(file, persistence.capture())
    monkeypatch.setattr(persistence, "version", lambda name: "9.9.9")
    with pytest.raises(SandboxError, match="written with moto 5"):
        persistence.load(file)


def test_a_restart_does_not_seed_twice(account: Account) -> None:
    seeds.plant(account.api.account, account.api.region)
    found = account.client("ssm").get_parameter(Name=seeds.DEBIAN_PARAMETER)["Parameter"]
    assert (found["Value"], found["Version"]) == (seeds.DEBIAN_IMAGE, 1)


KILLED_AFTER_AN_ANSWER = """
import os, signal, sys
from pathlib import Path
from sandbox.cloud.api.server import Api
from sandbox.tests.cloud.api.account import Account
api = Api(Path(sys.argv[1]))
api.start()
print(Account(api).ec2.allocate_address(Domain="vpc")["PublicIp"], flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""

ADDRESSES = """
import sys
from pathlib import Path
from sandbox.cloud.api.server import Api
from sandbox.tests.cloud.api.account import Account
api = Api(Path(sys.argv[1]))
api.start()
print(*(address["PublicIp"] for address in Account(api).ec2.describe_addresses()["Addresses"]))
"""


@pytest.mark.slow
def test_what_was_answered_is_known_after_a_kill(tmp_path: Path) -> None:
    def said(program: str) -> str:
        return subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True).stdout

    allocated = said(KILLED_AFTER_AN_ANSWER)
    assert allocated.startswith("198.51.100.")
    assert said(ADDRESSES) == allocated
