"""Objects that the node program adds, as the account's S3 takes or refuses them."""

from __future__ import annotations

import hashlib
import io
import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from components.node.common import aws, log, s3
from components.node.common.failure import Failure
from sandbox.tests.cloud.api.account import Account

BUCKET = "quorate-prod-1"
KEY = "all/20261127T212658Z-etcd-0/etcd.db"
LARGE = bytes(6 * 1024**2)
TRUST = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}
ADDS = {"Effect": "Allow", "Action": ["s3:PutObject", "kms:GenerateDataKey"], "Resource": "*"}

Add = Callable[[bytes], None]


@pytest.fixture
def add(account: Account, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Add:
    """What a machine does whose role may add objects."""
    iam = account.client("iam")
    for name, document in (("AssumeRolePolicyDocument", TRUST), ("PolicyDocument", ADDS)):
        text = json.dumps({"Version": "2012-10-17", "Statement": [document]})
        if name == "PolicyDocument":
            iam.put_role_policy(RoleName="etcd-0", PolicyName="snapshots", PolicyDocument=text)
        else:
            iam.create_role(RoleName="etcd-0", AssumeRolePolicyDocument=text)
    key = account.role_key("etcd-0")
    monkeypatch.setattr(log, "LOGS", tmp_path)
    monkeypatch.setattr(s3, "metadata", lambda path: "eu-central-1")
    monkeypatch.setattr(s3, "role_credentials", lambda: aws.Credentials(key.name, key.secret, key.token or ""))
    monkeypatch.setenv("S3_ENDPOINT", f"http://127.0.0.1:{account.api.port}")
    arn = str(account.client("kms").create_key(Description="snapshots")["KeyMetadata"]["Arn"])
    bucket = s3.Bucket(BUCKET, arn)
    return lambda body: bucket.add(
        KEY, io.BytesIO(body), len(body), hashlib.sha256(body).hexdigest(), "application/octet-stream"
    )


def made(account: Account) -> None:
    account.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})


def test_an_object_of_megabytes_is_added_encrypted_and_read_back_by_the_operator(account: Account, add: Add) -> None:
    made(account)
    add(LARGE)
    stored = account.client("s3").get_object(Bucket=BUCKET, Key=KEY)
    assert stored["Body"].read() == LARGE
    assert stored["ServerSideEncryption"] == "aws:kms"
    assert ":key/" in stored["SSEKMSKeyId"]


def test_a_second_one_of_its_name_and_one_without_a_bucket_are_refused_with_a_sentence(
    account: Account, add: Add
) -> None:
    begun = time.monotonic()
    with pytest.raises(Failure, match=r"404: NoSuchBucket.* Run pulumi up"):
        add(b"one")
    made(account)
    add(b"one")
    with pytest.raises(Failure, match=r"412: PreconditionFailed.* nothing was overwritten"):
        add(b"another")
    assert account.client("s3").get_object(Bucket=BUCKET, Key=KEY)["Body"].read() == b"one"
    assert time.monotonic() - begun < 10, "nothing is tried again"


def test_a_role_that_may_not_is_told_so(account: Account, add: Add) -> None:
    made(account)
    account.client("iam").delete_role_policy(RoleName="etcd-0", PolicyName="snapshots")
    with pytest.raises(Failure, match=r"403: AccessDenied: .* run pulumi up"):
        add(b"one")
