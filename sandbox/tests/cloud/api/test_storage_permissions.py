"""A bucket that is only added to: its own policy and its key, as S3 judges them for machines and for the operator."""

from __future__ import annotations

import json
from typing import Any

import pytest

from components.identity.statements import add_snapshots, never_overwritten, policy
from sandbox.tests.cloud.api.account import Account, Key, refused

BUCKET = "quorate-prod-1"
ARN = f"arn:aws:s3:::{BUCKET}"
TRUST = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}


@pytest.fixture
def key(account: Account) -> str:
    """The key's ARN, and the bucket that is encrypted with it."""
    s3 = account.client("s3")
    arn = str(account.client("kms").create_key(Description="snapshots")["KeyMetadata"]["Arn"])
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": arn}
    rules = [{"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": True}]
    s3.put_bucket_encryption(Bucket=BUCKET, ServerSideEncryptionConfiguration={"Rules": rules})
    s3.put_bucket_policy(Bucket=BUCKET, Policy=policy(never_overwritten(ARN)))
    return arn


def role(account: Account, statements: list[Any]) -> Key:
    iam = account.client("iam")
    iam.create_role(RoleName="etcd-0", AssumeRolePolicyDocument=policy([TRUST]))
    iam.put_role_policy(RoleName="etcd-0", PolicyName="snapshots", PolicyDocument=policy(statements))
    return account.role_key("etcd-0")


def put(s3: Any, name: str = "all/1/etcd.db", body: bytes = b"snapshot", **more: Any) -> Any:
    return s3.put_object(Bucket=BUCKET, Key=name, Body=body, **more)


def test_a_machine_with_a_member_adds_a_snapshot_with_the_clusters_key(account: Account, key: str) -> None:
    machine = account.client("s3", role(account, [*add_snapshots(ARN, key)]))
    made = put(machine, IfNoneMatch="*", ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
    assert (made["ServerSideEncryption"], made["SSEKMSKeyId"]) == ("aws:kms", key)
    read = account.client("s3").get_object(Bucket=BUCKET, Key="all/1/etcd.db")
    assert read["Body"].read() == b"snapshot"


def test_one_that_is_too_large_for_a_look_at_its_body_is_added_in_one_request(account: Account, key: str) -> None:
    machine, body = account.client("s3", role(account, [*add_snapshots(ARN, key)])), b"x" * (5 * 2**20)
    put(machine, body=body, IfNoneMatch="*", ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
    assert account.client("s3").head_object(Bucket=BUCKET, Key="all/1/etcd.db")["ContentLength"] == len(body)


def test_it_reads_lists_deletes_and_overwrites_none(account: Account, key: str) -> None:
    machine = account.client("s3", role(account, [*add_snapshots(ARN, key)]))
    put(machine, IfNoneMatch="*")
    with refused("PreconditionFailed"):
        put(machine, IfNoneMatch="*")
    for method, asked in (
        ("get_object", {"Key": "all/1/etcd.db"}),
        ("head_object", {"Key": "all/1/etcd.db"}),
        ("delete_object", {"Key": "all/1/etcd.db"}),
        ("list_objects_v2", {}),
        ("get_bucket_policy", {}),
        ("delete_bucket_policy", {}),
    ):
        with refused("403" if method == "head_object" else "AccessDenied"):
            getattr(machine, method)(Bucket=BUCKET, **asked)


def test_nobody_puts_an_object_that_might_be_there_already(account: Account, key: str) -> None:
    for who in (account.client("s3", role(account, [*add_snapshots(ARN, key)])), account.client("s3")):
        with refused("AccessDenied") as refusal:
            put(who)
        assert "explicit deny in a resource-based policy" in refusal.message


def test_a_large_object_is_made_of_parts_that_need_no_condition(account: Account, key: str) -> None:
    s3, name = account.client("s3"), {"Bucket": BUCKET, "Key": "all/1/etcd.db"}
    upload = s3.create_multipart_upload(**name)["UploadId"]
    part = {"ETag": s3.upload_part(**name, UploadId=upload, PartNumber=1, Body=b"x")["ETag"], "PartNumber": 1}
    with refused("AccessDenied"):
        s3.complete_multipart_upload(**name, UploadId=upload, MultipartUpload={"Parts": [part]})
    s3.complete_multipart_upload(**name, UploadId=upload, MultipartUpload={"Parts": [part]}, IfNoneMatch="*")
    assert s3.get_object(**name)["Body"].read() == b"x"


@pytest.mark.parametrize("named", [True, False], ids=["key named", "the bucket's key"])
def test_without_permission_for_the_key_nothing_is_added(account: Account, key: str, named: bool) -> None:
    machine = account.client("s3", role(account, [add_snapshots(ARN, key)[0]]))
    more: dict[str, Any] = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key} if named else {}
    with refused("AccessDenied") as refusal:
        put(machine, IfNoneMatch="*", **more)
    assert f"kms:GenerateDataKey on resource: {key}" in refusal.message


def test_without_permission_for_the_key_nothing_is_read(account: Account, key: str) -> None:
    put(account.client("s3"), IfNoneMatch="*")
    reading = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"{ARN}/*"}
    machine = account.client("s3", role(account, [reading]))
    with refused("AccessDenied") as refusal:
        machine.get_object(Bucket=BUCKET, Key="all/1/etcd.db")
    assert f"kms:Decrypt on resource: {key}" in refusal.message


@pytest.mark.parametrize(
    "changes",
    [
        {"Effect": "Allow"},
        {"Principal": {"AWS": "arn:aws:iam::123456789012:role/etcd-0"}},
        {"Condition": {"StringEquals": {"aws:SourceVpc": "vpc-1"}}},
    ],
    ids=["an allow", "somebody", "a condition without values here"],
)
def test_what_is_not_judged_in_a_buckets_policy_is_said_and_not_guessed(
    account: Account, key: str, changes: dict[str, Any]
) -> None:
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": f"{ARN}/*"}
    s3 = account.client("s3")
    s3.put_bucket_policy(
        Bucket=BUCKET, Policy=json.dumps({"Version": "2012-10-17", "Statement": [{**deny, **changes}]})
    )
    with refused("SandboxNotModelled"):
        s3.get_object(Bucket=BUCKET, Key="all/1/etcd.db")


def test_what_makes_a_bucket_of_snapshots_and_its_key_is_read_back_as_it_was_written(
    account: Account, key: str
) -> None:
    """As the AWS provider compares it, down to the header about sizes that a retention is read back with."""
    s3, kms, name = account.client("s3"), account.client("kms"), {"Bucket": BUCKET}
    kms.enable_key_rotation(KeyId=key)
    assert kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is True
    assert json.loads(kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"])["Statement"]
    kms.create_alias(AliasName="alias/quorate-prod-snapshots", TargetKeyId=key.rpartition("/")[2])
    aliases = {alias["AliasName"]: alias.get("TargetKeyId") for alias in kms.list_aliases()["Aliases"]}
    assert aliases["alias/quorate-prod-snapshots"] == key.rpartition("/")[2]

    ownership = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    s3.put_bucket_ownership_controls(**name, OwnershipControls=ownership)
    assert s3.get_bucket_ownership_controls(**name)["OwnershipControls"] == ownership
    s3.put_bucket_versioning(**name, VersioningConfiguration={"Status": "Enabled"})
    assert s3.get_bucket_versioning(**name)["Status"] == "Enabled"
    rules = [
        {
            "ID": kind,
            "Status": "Enabled",
            "Filter": {"Prefix": f"{kind}/"},
            "Expiration": {"Days": days},
            "NoncurrentVersionExpiration": {"NoncurrentDays": 7},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
        }
        for kind, days in (("all", 2), ("daily", 30), ("monthly", 372))
    ]
    smallest = "all_storage_classes_128K"
    s3.put_bucket_lifecycle_configuration(
        **name, LifecycleConfiguration={"Rules": rules}, TransitionDefaultMinimumObjectSize=smallest
    )
    found = s3.get_bucket_lifecycle_configuration(**name)
    assert (found["Rules"], found["TransitionDefaultMinimumObjectSize"]) == (rules, smallest)
    assert json.loads(s3.get_bucket_policy(**name)["Policy"])["Statement"] == never_overwritten(ARN)
