from __future__ import annotations

import json

import pytest

from sandbox.cloud.api import seeds
from sandbox.tests.cloud.api.account import Account, refused


def trust(action: str = "sts:AssumeRole") -> str:
    statement = {"Effect": "Allow", "Action": action, "Principal": {"Service": "ec2.amazonaws.com"}}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.mark.fixes("iam_roles")
def test_a_roles_description_outlives_other_changes(account: Account) -> None:
    iam = account.client("iam")
    iam.create_role(RoleName="node", AssumeRolePolicyDocument=trust(), Description="nodes")
    iam.update_role(RoleName="node", MaxSessionDuration=7200)
    found = iam.get_role(RoleName="node")["Role"]
    assert (found["Description"], found["MaxSessionDuration"]) == ("nodes", 7200)


@pytest.mark.fixes("iam_roles")
def test_a_trust_policy_that_iam_refuses_is_refused_at_creation(account: Account) -> None:
    for document in ("not json", trust("ec2:RunInstances")):
        with refused("MalformedPolicyDocument"):
            account.client("iam").create_role(RoleName="node", AssumeRolePolicyDocument=document)


@pytest.mark.fixes("buckets")
def test_tags_given_at_a_buckets_creation_are_its_tags(account: Account) -> None:
    s3 = account.client("s3")
    tags = [{"Key": "project", "Value": "quorate"}, {"Key": "stack", "Value": "test"}]
    s3.create_bucket(Bucket="backups", CreateBucketConfiguration={"LocationConstraint": "eu-central-1", "Tags": tags})
    assert s3.get_bucket_tagging(Bucket="backups")["TagSet"] == tags


@pytest.mark.fixes("buckets")
def test_a_bucket_keeps_the_types_of_encryption_that_it_blocks(account: Account) -> None:
    s3 = account.client("s3")
    s3.create_bucket(Bucket="backups", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    rule = {
        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "arn:aws:kms:x:1:key/1"},
        "BucketKeyEnabled": True,
        "BlockedEncryptionTypes": {"EncryptionType": ["SSE-C"]},
    }
    s3.put_bucket_encryption(Bucket="backups", ServerSideEncryptionConfiguration={"Rules": [rule]})
    assert s3.get_bucket_encryption(Bucket="backups")["ServerSideEncryptionConfiguration"]["Rules"] == [rule]


@pytest.mark.fixes("bucket_policies")
def test_a_bucket_denies_what_its_policy_denies_under_a_condition_only_under_it(account: Account) -> None:
    s3 = account.client("s3")
    s3.create_bucket(Bucket="backups", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    s3.put_object(Bucket="backups", Key="a", Body=b"x")
    tls = {"Bool": {"aws:SecureTransport": "false"}}
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::backups/*"}
    policy = {"Version": "2012-10-17", "Statement": [{**deny, "Condition": tls}]}
    s3.put_bucket_policy(Bucket="backups", Policy=json.dumps(policy))
    assert s3.get_object(Bucket="backups", Key="a")["Body"].read() == b"x"


@pytest.mark.fixes("public_parameters")
def test_public_parameters_are_read_but_not_listed(account: Account) -> None:
    ssm = account.client("ssm")
    ssm.put_parameter(Name="/mine", Type="String", Value="x")
    assert ssm.get_parameter(Name=seeds.DEBIAN_PARAMETER)["Parameter"]["Value"] == seeds.DEBIAN_IMAGE
    assert [found["Name"] for found in ssm.describe_parameters()["Parameters"]] == ["/mine"]


@pytest.mark.fixes("iam_roles")
def test_aws_own_policies_are_refused_by_name(account: Account) -> None:
    iam, arn = account.client("iam"), "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
    iam.create_role(RoleName="node", AssumeRolePolicyDocument=trust())
    with refused("SandboxNotModelled"):
        iam.attach_role_policy(RoleName="node", PolicyArn=arn)
