"""What a stack that takes snapshots declares: a private bucket that is only added to, and who may add to it."""

from __future__ import annotations

import json
from typing import Any

import pulumi
import pytest

from components.cluster import Cluster
from components.delivery.cloud_config import read_cloud_config
from components.delivery.node_files import NODE_ENV, read_environment_file
from components.node.common.bundle import read_bundle
from policies.rules.tags import TAGGABLE
from tests.components.education import ANSWERS, outputs
from tests.components.recording import Recorded, Recording, record
from tests.components.stacks import COMMAND, INSTANCE, WITH_SNAPSHOTS, recorded, settings_of, waits_for

OFF = (("backups__enabled", False),)
STORE = "quorate:backups:SnapshotStore"
KEY = "aws:kms/key:Key"
BUCKET = "aws:s3/bucket:Bucket"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
BUCKET_ARN = "arn:aws:s3:::quorate-prod-20261127"
KEY_ARN = "arn:aws:kms:eu-central-1:123456789012:key/1"
MEMBERS = {
    "prod": [f"prod-etcd-{number}" for number in range(3)],
    "dev": ["dev-control-plane-0"],
    "education": ["education-control-plane-0"],
}


def with_backups(stack: str) -> Recording:
    return recorded(stack, WITH_SNAPSHOTS)


def without(stack: str) -> Recording:
    """As shipped, where that is without: then other tests have recorded it already."""
    return recorded(stack, () if not settings_of(stack).backups.enabled else OFF)


@pytest.fixture
def prod() -> Recording:
    return with_backups("prod")


@pytest.fixture(params=[True, False], ids=["kept", "not kept"])
def kept_or_not(request: pytest.FixtureRequest) -> tuple[bool, Recording]:
    """What `backups.keepOnDestroy` says, and such a stack."""
    return request.param, recorded(
        "prod", (*WITH_SNAPSHOTS, *([] if request.param else [("backups__keepOnDestroy", False)]))
    )


def parts(recording: Recording) -> list[Recorded]:
    """The resources of the store itself."""
    return [one for one in recording.resources.values() if one.parent.startswith(STORE)]


def only(recording: Recording, kind: str) -> Recorded:
    (found,) = [one for one in parts(recording) if one.type == kind]
    return found


def statements(text: str) -> list[Any]:
    return list(json.loads(text)["Statement"])


@pytest.mark.parametrize("stack", MEMBERS)
def test_of_what_there_is_without_snapshots_they_change_the_steps_of_members_alone(stack: str) -> None:
    off, on = without(stack).resources, with_backups(stack).resources
    assert off.keys() <= on.keys()
    added = {on[key].type for key in on.keys() - off.keys()}
    assert added == {STORE, ROLE_POLICY, *(one.type for one in parts(with_backups(stack)))}
    changed = {on[key].name for key in off if off[key].inputs != on[key].inputs and on[key].custom}
    assert changed == {f"{name}-configure" for name in MEMBERS[stack]}


@pytest.mark.parametrize("stack", MEMBERS)
def test_a_stack_without_snapshots_has_no_bucket_and_no_key(stack: str) -> None:
    assert not [key for key in without(stack).resources if "s3/" in key or "kms/" in key or STORE in key]


def test_a_kept_bucket_does_not_stand_in_the_way_of_the_next_cluster_of_that_name(prod: Recording) -> None:
    assert only(prod, BUCKET).inputs["bucketPrefix"] == "quorate-prod-"
    assert "bucket" not in only(prod, BUCKET).inputs
    alias = only(prod, "aws:kms/alias:Alias")
    assert alias.inputs["name"] == "alias/quorate-prod-snapshots"
    assert not alias.retain_on_delete


def test_bucket_and_key_outlive_the_stack_unless_it_says_otherwise(kept_or_not: tuple[bool, Recording]) -> None:
    kept, stack = kept_or_not
    assert {only(stack, KEY).retain_on_delete, only(stack, BUCKET).retain_on_delete} == {kept}
    assert "forceDestroy" not in only(stack, BUCKET).inputs


def test_a_bucket_that_stays_keeps_all_that_makes_it_private_and_its_retention(
    kept_or_not: tuple[bool, Recording],
) -> None:
    """One that could not be deleted, as it is full, too."""
    _, stack = kept_or_not
    companions = [one for one in parts(stack) if one.type.startswith("aws:s3/bucket") and one.type != BUCKET]
    assert len(companions) == 6
    assert all(one.retain_on_delete for one in companions)


def test_the_key_goes_after_the_bucket_if_at_all(prod: Recording) -> None:
    assert waits_for(prod, only(prod, BUCKET), only(prod, KEY).key)
    assert only(prod, KEY).inputs["enableKeyRotation"] is True


def test_the_bucket_is_private_encrypted_with_the_clusters_key_and_keeps_versions(prod: Recording) -> None:
    access = only(prod, "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock").inputs
    assert {key for key, value in access.items() if value is True} == {
        "blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets",
    }  # fmt: skip
    ownership = only(prod, "aws:s3/bucketOwnershipControls:BucketOwnershipControls").inputs["rule"]
    assert ownership == {"objectOwnership": "BucketOwnerEnforced"}
    encryption = only(
        prod, "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
    ).inputs
    assert encryption["rules"] == [
        {
            "applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": KEY_ARN},
            "bucketKeyEnabled": True,
            "blockedEncryptionTypes": ["SSE-C"],
        }
    ]
    versions = only(prod, "aws:s3/bucketVersioning:BucketVersioning").inputs
    assert versions["versioningConfiguration"] == {"status": "Enabled"}


def test_what_is_too_old_ends_by_its_class_and_so_do_deleted_and_unfinished_ones(prod: Recording) -> None:
    rules = only(prod, "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration").inputs["rules"]
    ends = {rule["filter"]["prefix"]: rule["expiration"]["days"] for rule in rules}
    assert ends == {"all/": 4, "daily/": 30, "monthly/": 62}
    assert all(rule["status"] == "Enabled" for rule in rules)
    assert all(rule["noncurrentVersionExpiration"] == {"noncurrentDays": 7} for rule in rules)
    assert all(rule["abortIncompleteMultipartUpload"] == {"daysAfterInitiation": 1} for rule in rules)


def test_nobody_overwrites_a_snapshot_or_reads_one_without_tls(prod: Recording) -> None:
    tls, conditional = statements(only(prod, "aws:s3/bucketPolicy:BucketPolicy").inputs["policy"])
    assert (tls["Effect"], tls["Principal"], tls["Action"]) == ("Deny", "*", "s3:*")
    assert tls["Resource"] == [BUCKET_ARN, f"{BUCKET_ARN}/*"]
    assert tls["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert (conditional["Effect"], conditional["Principal"], conditional["Action"]) == ("Deny", "*", "s3:PutObject")
    assert conditional["Condition"]["Null"] == {"s3:if-none-match": "true"}


@pytest.mark.parametrize("stack", MEMBERS)
def test_machines_with_a_member_may_add_snapshots_and_no_machine_may_do_more(stack: str) -> None:
    recording = with_backups(stack)
    granted = {
        policy.name: [(one["Action"], one["Resource"]) for one in statements(policy.inputs["policy"])]
        for policy in recording.of_type(ROLE_POLICY)
    }
    bucket = BUCKET_ARN.replace("prod", stack)
    adding = [("s3:PutObject", f"{bucket}/*"), ("kms:GenerateDataKey", KEY_ARN)]
    assert {name: found for name, found in granted.items() if name.endswith("-snapshots")} == {
        f"{name}-snapshots": adding for name in MEMBERS[stack]
    }
    others = [action for name, found in granted.items() if not name.endswith("-snapshots") for action, _ in found]
    assert not [action for action in others if action.startswith(("s3:", "kms:"))]


def environment(command: Recorded) -> Any:
    files = {file.path: file.content for file in read_bundle(command.inputs["stdin"])}
    return read_environment_file(files[NODE_ENV])


@pytest.mark.parametrize("stack", MEMBERS)
def test_members_are_given_bucket_key_and_hours_by_their_own_step_and_not_at_boot(stack: str) -> None:
    recording = with_backups(stack)
    given = {
        "SNAPSHOT_BUCKET": f"quorate-{stack}-20261127",
        "SNAPSHOT_KEY": KEY_ARN,
        "SNAPSHOT_HOURS": "4",
    }
    for command in recording.of_type(COMMAND):
        if not command.name.endswith("-configure"):
            continue
        values = environment(command)
        found = {name: value for name, value in values.items() if name.startswith("SNAPSHOT_")}
        assert found == (given if command.name.removesuffix("-configure") in MEMBERS[stack] else {})
    for instance in recording.of_type(INSTANCE):
        config = read_cloud_config(instance.inputs["userDataBase64"])
        assert config
        assert "SNAPSHOT_" not in config.files.get(NODE_ENV, "")


@pytest.mark.parametrize("stack", MEMBERS)
def test_nothing_but_the_steps_of_members_waits_for_bucket_or_key(stack: str) -> None:
    recording = with_backups(stack)
    made = [one.key for one in parts(recording)]
    steps = {f"{COMMAND} {name}-configure" for name in MEMBERS[stack]}
    free = [
        one
        for one in recording.resources.values()
        if one.key not in steps and not one.name.startswith(f"{stack}-snapshots") and one.type != ROLE_POLICY
        and not any(waits_for(recording, one, step) for step in steps)
    ]  # fmt: skip
    assert {one.type for one in free} >= {INSTANCE, "aws:ebs/volume:Volume"}
    assert [one.name for one in free for key in made if waits_for(recording, one, key)] == []


def test_what_lets_snapshots_be_added_is_waited_for_by_no_instance(prod: Recording) -> None:
    policies = [policy for policy in prod.of_type(ROLE_POLICY) if policy.name.endswith("-snapshots")]
    assert len(policies) == 3
    for instance in prod.of_type(INSTANCE):
        assert not any(waits_for(prod, instance, policy.key) for policy in policies)


def test_all_that_can_have_tags_has_those_of_the_cluster(prod: Recording) -> None:
    tagged = [one for one in parts(prod) if one.type in TAGGABLE]
    assert {one.type for one in tagged} == {KEY, BUCKET}
    assert all(one.inputs["tags"]["quorate:cluster"] == "prod" for one in tagged)
    assert all(one.inputs["tags"]["Name"] == "prod-snapshots" for one in tagged)


@pytest.mark.parametrize("changes", [dict(WITH_SNAPSHOTS), {}], ids=["with snapshots", "without"])
def test_a_stack_says_where_its_snapshots_are_if_it_takes_any(changes: dict[str, Any]) -> None:
    found: dict[str, str] = {}

    def program() -> None:
        exported = Cluster("education", settings_of("education", **changes)).snapshots
        pulumi.Output.all(**(exported or {})).apply(found.update)

    record(program, outputs, ANSWERS)
    bucket = {"bucket": "quorate-education-20261127", "key": KEY_ARN, "region": "eu-central-1"}
    assert found == (bucket if changes else {})


def test_control_planes_beside_an_external_etcd_have_nothing_to_do_with_snapshots(prod: Recording) -> None:
    for number in range(3):
        step = prod.named(COMMAND, f"prod-control-plane-{number}-configure")
        assert step.inputs == without("prod").resources[step.key].inputs
