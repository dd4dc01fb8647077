from __future__ import annotations

import json
import logging
import threading
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.ec2.models.vpcs import VPCBackend

from sandbox.tests.cloud.api.account import Account, Key, refused
from sandbox.tests.cloud.pools import Pool

TRUST = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}


def role_key(account: Account, *statements: dict[str, Any]) -> Key:
    """An access key of a role with these statements, as an instance's metadata gives it out."""
    iam = account.client("iam")
    iam.create_role(
        RoleName="node", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [TRUST]})
    )
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    iam.put_role_policy(RoleName="node", PolicyName="node", PolicyDocument=json.dumps(document))
    return account.role_key("node")


def log(account: Account) -> str:
    folder: Path = account.api._state
    return (folder / "requests.log").read_text()


def test_a_role_reads_the_parameters_that_its_policy_names_and_no_others(account: Account) -> None:
    for name in ("/quorate/own", "/quorate/other"):
        account.client("ssm").put_parameter(Name=name, Type="SecureString", Value="x")
    resource = "arn:aws:ssm:eu-central-1:123456789012:parameter/quorate/own"
    ssm = account.client(
        "ssm", role_key(account, {"Effect": "Allow", "Action": "ssm:GetParameter", "Resource": resource})
    )
    assert ssm.get_parameter(Name="/quorate/own", WithDecryption=True)["Parameter"]["Value"] == "x"
    with refused("AccessDeniedException") as refusal:
        ssm.get_parameter(Name="/quorate/other")
    assert "assumed-role/node/i-0123456789abcdef0 is not authorized to perform: ssm:GetParameter" in refusal.message
    with refused("AccessDeniedException"):
        ssm.put_parameter(Name="/quorate/own", Type="String", Value="y", Overwrite=True)


def test_a_role_writes_objects_below_the_prefix_that_its_policy_names_and_no_others(account: Account) -> None:
    account.client("s3").create_bucket(
        Bucket="backups", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    statement = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::backups/prod/*"}
    s3 = account.client("s3", role_key(account, statement))
    s3.put_object(Bucket="backups", Key="prod/a", Body=b"x")
    for method, asked in (
        ("put_object", {"Key": "dev/a", "Body": b"x"}),
        ("get_object", {"Key": "prod/a"}),
        ("delete_object", {"Key": "prod/a"}),
        ("list_objects_v2", {"Prefix": "prod/"}),
    ):
        with refused("AccessDenied"):
            getattr(s3, method)(Bucket="backups", **asked)


def test_a_role_lets_instances_go_in_its_own_clusters_groups_and_no_others(pool: Pool) -> None:
    pool.launch("prod.general", DesiredCapacity=1)
    pool.launch("other.general", DesiredCapacity=1)
    arn = "arn:aws:autoscaling:eu-central-1:123456789012:autoScalingGroup:*:autoScalingGroupName/prod.*"
    statement = {"Effect": "Allow", "Action": "autoscaling:SetDesiredCapacity", "Resource": arn}
    scaling = pool.account.client("autoscaling", role_key(pool.account, statement))
    scaling.set_desired_capacity(AutoScalingGroupName="prod.general", DesiredCapacity=2)
    with refused("AccessDenied") as refusal:
        scaling.set_desired_capacity(AutoScalingGroupName="other.general", DesiredCapacity=2)
    assert "autoscaling:SetDesiredCapacity on resource: arn:aws:autoscaling:" in refusal.message


@pytest.mark.parametrize(
    ("condition", "allowed"),
    [
        ({"StringEquals": {"aws:ResourceTag/cluster": "prod", "aws:RequestedRegion": "eu-central-1"}}, True),
        ({"StringEquals": {"ssm:resourceTag/cluster": "dev"}}, False),
        ({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/node"}}, True),
        ({"StringLike": {"ec2:SourceInstanceARN": "*:instance/i-0123456789abcdef0"}}, True),
        ({"Null": {"aws:MultiFactorAuthPresent": "true", "aws:PrincipalTag/team": "true"}}, True),
        ({"DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}, False),
    ],
)
def test_a_condition_is_judged_by_what_the_account_knows(
    account: Account, condition: dict[str, Any], allowed: bool
) -> None:
    tags = [{"Key": "cluster", "Value": "prod"}]
    account.client("ssm").put_parameter(Name="/quorate/own", Type="String", Value="x", Tags=tags)
    statement = {"Effect": "Allow", "Action": "ssm:GetParameter", "Resource": "*", "Condition": condition}
    ssm = account.client("ssm", role_key(account, statement))
    if allowed:
        ssm.get_parameter(Name="/quorate/own")
    else:
        with refused("AccessDeniedException"):
            ssm.get_parameter(Name="/quorate/own")


def test_a_condition_on_a_groups_tag_is_judged(pool: Pool) -> None:
    pool.launch(DesiredCapacity=1, Tags=[{"Key": "cluster", "Value": "prod", "PropagateAtLaunch": False}])
    condition = {"StringEquals": {"autoscaling:ResourceTag/cluster": "prod"}}
    statement = {"Effect": "Allow", "Action": "autoscaling:SetDesiredCapacity", "Resource": "*", "Condition": condition}
    scaling = pool.account.client("autoscaling", role_key(pool.account, statement))
    scaling.set_desired_capacity(AutoScalingGroupName="workers", DesiredCapacity=2)
    pool.scaling.delete_tags(Tags=[{"Key": "cluster", "ResourceId": "workers", "ResourceType": "auto-scaling-group"}])
    with refused("AccessDenied"):
        scaling.set_desired_capacity(AutoScalingGroupName="workers", DesiredCapacity=1)


def test_a_condition_key_without_values_here_is_refused_by_name(account: Account) -> None:
    condition = {"StringEquals": {"aws:SourceVpc": "vpc-1"}}
    statement = {"Effect": "Allow", "Action": "ssm:GetParameter", "Resource": "*", "Condition": condition}
    with refused("SandboxNotModelled") as refusal:
        account.client("ssm", role_key(account, statement)).get_parameter(Name="/quorate/own")
    assert "aws:SourceVpc of ssm:GetParameter" in refusal.message


@pytest.mark.parametrize(
    ("service", "method", "code"),
    [
        ("ec2", "describe_vpcs", "UnauthorizedOperation"),
        ("s3", "list_buckets", "AccessDenied"),
        ("iam", "list_roles", "AccessDenied"),
    ],
)
def test_each_service_denies_in_its_own_words(account: Account, service: str, method: str, code: str) -> None:
    key = role_key(account, {"Effect": "Allow", "Action": "ssm:GetParameter", "Resource": "*"})
    with refused(code):
        getattr(account.client(service, key), method)()


@pytest.mark.parametrize(
    ("service", "method", "code"),
    [
        ("ec2", "describe_vpcs", "AuthFailure"),
        ("sts", "get_caller_identity", "InvalidClientTokenId"),
        ("ssm", "describe_parameters", "UnrecognizedClientException"),
    ],
)
def test_unknown_keys_are_refused(account: Account, service: str, method: str, code: str) -> None:
    with refused(code):
        getattr(account.client(service, Key("AKIAUNKNOWN", "any")), method)()


def test_what_moto_does_not_implement_is_a_client_error_that_names_the_call(account: Account) -> None:
    with pytest.raises(
        ClientError, match=r"does not model ec2:CreateFpgaImage|could not carry out ec2:CreateFpgaImage"
    ) as e:
        account.ec2.create_fpga_image(InputStorageLocation={"Bucket": "b", "Key": "k"})
    assert e.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_a_crash_is_a_client_error_whose_text_stays_out_of_the_log(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object, **__: object) -> None:
        raise ZeroDivisionError("the password is swordfish")

    monkeypatch.setattr(VPCBackend, "create_vpc", crash)
    with pytest.raises(ClientError, match="could not carry out ec2:CreateVpc: ZeroDivisionError"):
        account.vpc()
    assert "ec2:CreateVpc SandboxNotModelled: ZeroDivisionError in crash" in log(account)
    assert "swordfish" not in log(account)


def test_no_value_of_a_request_is_logged(account: Account, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "werkzeug")
    account.client("ssm").put_parameter(Name="/quorate/key", Type="SecureString", Value="swordfish")
    account.client("ssm").get_parameter(Name="/quorate/key", WithDecryption=True)
    assert "ssm:GetParameter" in log(account)
    assert "swordfish" not in log(account) + "".join(r.getMessage() for r in caplog.records if r.name == "werkzeug")


def test_a_machine_gets_the_same_credentials_for_a_while(account: Account) -> None:
    first = account.api.role_credentials("node", "i-1")
    assert account.api.role_credentials("node", "i-1") == first
    assert account.api.role_credentials("node", "i-2")["AccessKeyId"] != first["AccessKeyId"]


@pytest.mark.slow
def test_a_reader_beside_many_writers_is_always_answered(account: Account) -> None:
    ec2, problems = account.ec2, []

    def read() -> None:
        try:
            for _ in range(30):
                ec2.describe_volumes()
        except ClientError as problem:
            problems.append(problem)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for _ in range(40):
        ec2.create_volume(AvailabilityZone="eu-central-1a", Size=1)
    for reader in readers:
        reader.join()
    assert problems == []


def test_a_change_that_is_asked_for_again_is_made_once_and_answered_the_same(account: Account) -> None:
    ec2, event = account.client("ec2"), "before-send.ec2.CreateVolume"

    def ask(invocation: str) -> tuple[str, str]:
        def under_that_id(request: Any, **_: Any) -> None:
            request.headers["amz-sdk-invocation-id"] = invocation

        ec2.meta.events.register(event, under_that_id)
        try:
            made = ec2.create_volume(AvailabilityZone="eu-central-1a", Size=10)
        finally:
            ec2.meta.events.unregister(event, under_that_id)
        return made["VolumeId"], made["ResponseMetadata"]["RequestId"]

    first = ask("11111111-1111-1111-1111-111111111111")
    assert ask("11111111-1111-1111-1111-111111111111") == first
    other = ask("22222222-2222-2222-2222-222222222222")
    assert other[0] != first[0]
    assert len(account.client("ec2").describe_volumes()["Volumes"]) == 2
    assert log(account).count("asked again") == 1
