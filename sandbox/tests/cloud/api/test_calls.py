from __future__ import annotations

from typing import Any

import pytest

from sandbox.cloud.api.calls import Call, call_of

ACCOUNT = "123456789012"


def call(service: str, body: bytes = b"", **environ: Any) -> Call:
    authorization = (
        f"AWS4-HMAC-SHA256 Credential=AKIAX/20261121/eu-central-1/{service}/aws4_request, SignedHeaders=host"
    )
    return call_of({"REQUEST_METHOD": "POST", "HTTP_AUTHORIZATION": authorization} | environ, body, ACCOUNT)


def test_a_query_request_is_named_by_its_action() -> None:
    found = call("ec2", b"Action=RunInstances&UserData=c2VjcmV0", CONTENT_TYPE="application/x-www-form-urlencoded")
    assert (found.name, found.resources, found.reads, found.signer) == ("ec2:RunInstances", ("*",), False, "AKIAX")


@pytest.mark.parametrize(
    ("body", "resources"),
    [
        (b'{"Name": "/quorate/x"}', ("parameter/quorate/x",)),
        (b'{"Name": "x"}', ("parameter/x",)),
        (b'{"Names": ["/a", "/b"]}', ("parameter/a", "parameter/b")),
        (b'{"Path": "/quorate"}', ("parameter/quorate",)),
    ],
)
def test_a_request_to_ssm_names_its_parameters(body: bytes, resources: tuple[str, ...]) -> None:
    found = call("ssm", body, HTTP_X_AMZ_TARGET="AmazonSSM.GetParameter", CONTENT_TYPE="application/x-amz-json-1.1")
    assert found.resources == tuple(f"arn:aws:ssm:eu-central-1:{ACCOUNT}:{name}" for name in resources)
    assert found.reads
    assert found.speaks_json


@pytest.mark.parametrize(
    ("method", "host", "path", "query", "action", "resource"),
    [
        ("GET", "b.s3.eu-central-1.amazonaws.com", "/snap/a", "", "GetObject", "b/snap/a"),
        ("PUT", "s3.eu-central-1.amazonaws.com", "/b/snap/a", "", "PutObject", "b/snap/a"),
        ("GET", "b.s3.eu-central-1.amazonaws.com", "/", "list-type=2", "ListBucket", "b"),
        ("PUT", "b.s3.eu-central-1.amazonaws.com", "/", "versioning", "PutBucketVersioning", "b"),
        ("PUT", "b.s3.eu-central-1.amazonaws.com", "/", "ownershipControls", "PutBucketOwnershipControls", "b"),
        ("GET", "b.s3.eu-central-1.amazonaws.com", "/", "publicAccessBlock", "GetBucketPublicAccessBlock", "b"),
        ("PUT", "b.s3.eu-central-1.amazonaws.com", "/", "cors", "PutBucketSetting", "b"),
        ("PUT", "b.s3.eu-central-1.amazonaws.com", "/", "", "CreateBucket", "b"),
        ("POST", "b.s3.eu-central-1.amazonaws.com", "/snap/a", "uploads", "PutObject", "b/snap/a"),
        ("DELETE", "b.s3.eu-central-1.amazonaws.com", "/snap/a", "uploadId=1", "AbortMultipartUpload", "b/snap/a"),
        (
            "GET",
            "b.s3.eu-central-1.amazonaws.com",
            "/snap/a",
            "x-id=GetObject&versionId=1",
            "GetObjectVersion",
            "b/snap/a",
        ),
        ("GET", "s3.eu-central-1.amazonaws.com", "/", "", "ListAllMyBuckets", ""),
    ],
)
def test_a_request_to_s3_is_named_by_method_and_key(
    method: str, host: str, path: str, query: str, action: str, resource: str
) -> None:
    found = call("s3", REQUEST_METHOD=method, HTTP_HOST=host, PATH_INFO=path, QUERY_STRING=query)
    assert (found.action, found.resources) == (action, (f"arn:aws:s3:::{resource}",))
    assert found.reads is (method == "GET")


def test_a_change_to_a_group_names_it_and_a_question_about_groups_does_not() -> None:
    form = {"CONTENT_TYPE": "application/x-www-form-urlencoded"}
    change = call("autoscaling", b"Action=CompleteLifecycleAction&AutoScalingGroupName=prod.general", **form)
    assert change.resources == (
        f"arn:aws:autoscaling:eu-central-1:{ACCOUNT}:autoScalingGroup:*:autoScalingGroupName/prod.general",
    )
    question = b"Action=DescribeAutoScalingGroups&AutoScalingGroupName=prod.general"
    assert call("autoscaling", question, **form).resources == ("*",)


def test_a_buckets_setting_is_told_by_name_and_no_value_of_a_query_is() -> None:
    host = "b.s3.eu-central-1.amazonaws.com"
    told = call("s3", REQUEST_METHOD="GET", HTTP_HOST=host, PATH_INFO="/", QUERY_STRING="policy").name
    listed = call("s3", REQUEST_METHOD="GET", HTTP_HOST=host, PATH_INFO="/", QUERY_STRING="prefix=hidden").name
    assert (told, listed) == ("s3:GET b/?policy", "s3:GET b/")


def test_an_unsigned_request_has_no_signer() -> None:
    assert call_of({"REQUEST_METHOD": "GET", "PATH_INFO": "/"}, b"", ACCOUNT).signer is None
