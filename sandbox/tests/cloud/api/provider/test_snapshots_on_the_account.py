"""The bucket and the key of snapshots, by the AWS provider: made, read back, changed in place, and kept or removed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sandbox.tests.cloud.api.account import Account, refused
from sandbox.tests.cloud.api.provider.account_contents import differences, ids, leftovers
from tests.pulumi_project import Project

# The provider asks ten times, five seconds apart, whether a retention is there.
PATIENCE_SECONDS = 300
CHECKOUT = str(Path(__file__).parents[5])


@pytest.fixture
def with_settings(new_project: Callable[[str], Project]) -> Callable[..., Project]:
    """The project with these settings of its backups."""
    plain = new_project("snapshots_program.py")

    def project(**backups: Any) -> Project:
        environment = {**plain.environment, "CHECKOUT": CHECKOUT, "BACKUPS": json.dumps(backups)}
        return Project(plain.folder, environment, PATIENCE_SECONDS)

    return project


def days(account: Account, bucket: str) -> dict[str, int]:
    rules = account.client("s3").get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    return {rule["Filter"]["Prefix"]: rule["Expiration"]["Days"] for rule in rules}


@pytest.mark.engine
def test_what_snapshots_need_is_made_changed_in_place_and_outlives_the_stack_as_private_as_it_was(
    account: Account, with_settings: Callable[..., Project]
) -> None:
    s3, project = account.client("s3"), with_settings()
    project.run("up", "--yes", "--skip-preview")
    assert differences(project) == {"same"}
    bucket, key, before = project.output("bucket"), project.output("key"), ids(project)
    assert bucket.startswith("quorate-probe-")
    changed = with_settings(keepAllDays=5, keepMonthlyMonths=1)
    changed.run("up", "--yes", "--skip-preview")
    assert ids(changed) == before, "something was replaced that AWS changes in place"
    assert differences(changed) == {"same"}

    changed.run("destroy", "--yes", "--skip-preview")
    assert leftovers(account) == {"buckets": 1, "encryption keys": 1}
    assert days(account, bucket) == {"all/": 5, "daily/": 30, "monthly/": 31}
    with refused("AccessDenied"):
        s3.put_object(Bucket=bucket, Key="all/1/etcd.db", Body=b"x")
    s3.put_object(Bucket=bucket, Key="all/1/etcd.db", Body=b"x", IfNoneMatch="*")
    assert s3.get_object(Bucket=bucket, Key="all/1/etcd.db")["SSEKMSKeyId"] == key
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    blocked = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    assert set(blocked.values()) == {True}

    # The next cluster of that name has the names that it needs.
    again = with_settings()
    again.run("up", "--yes", "--skip-preview")
    assert again.output("bucket") != bucket


@pytest.mark.engine
def test_a_bucket_that_need_not_be_kept_goes_when_it_is_empty_and_its_key_not_before_it(
    account: Account, with_settings: Callable[..., Project]
) -> None:
    s3, kms, project = account.client("s3"), account.client("kms"), with_settings(keepOnDestroy=False)
    project.run("up", "--yes", "--skip-preview")
    bucket, key = project.output("bucket"), project.output("key")
    made = s3.put_object(Bucket=bucket, Key="all/1/etcd.db", Body=b"x", IfNoneMatch="*")
    assert "BucketNotEmpty" in project.run("destroy", "--yes", "--skip-preview", ok=False)
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Enabled"
    assert s3.get_bucket_policy(Bucket=bucket)["Policy"]

    s3.delete_object(Bucket=bucket, Key="all/1/etcd.db", VersionId=made["VersionId"])
    project.run("destroy", "--yes", "--skip-preview")
    assert leftovers(account) == {}
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingDeletion"
