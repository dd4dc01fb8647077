"""Requests that the service's model does not allow, as no client library would check them."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

import boto3
import pytest
from botocore.config import Config

from sandbox.cloud.api.calls import call_of
from sandbox.cloud.api.refusals import Refused
from sandbox.cloud.api.validation import check
from sandbox.tests.cloud.api import raw
from sandbox.tests.cloud.api.account import OPERATOR, Account, refused

TRUST = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}
ACCESS = b"""<AccessControlPolicy xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><AccessControlList><Grant>
<Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser"><ID>x</ID></Grantee>
<Permission>READ</Permission></Grant></AccessControlList><Owner><ID>a</ID></Owner></AccessControlPolicy>"""
LIFECYCLE = b"""<LifecycleConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Rule><Status>Enabled</Status>
<Filter><And><Prefix>a</Prefix><Tag><Key>a</Key><Value>b</Value></Tag></And></Filter></Rule></LifecycleConfiguration>"""
POLICY = json.dumps({"Version": "2012-10-17", "Statement": [TRUST]})


@pytest.mark.parametrize(
    ("service", "method", "told", "code", "said"),
    [
        ("iam", "create_role", {"RoleName": "a b"}, "ValidationError", "Value 'a b' at 'roleName' failed to satisfy"),
        ("iam", "create_role", {"RoleName": "a" * 65}, "ValidationError", "length less than or equal to 64"),
        (
            "iam",
            "create_role",
            {"RoleName": "r", "Tags": [{"Key": "k", "Value": "?"}]},
            "ValidationError",
            "'tags.1.member.value' failed to satisfy constraint: Member must satisfy regular expression pattern",
        ),
        ("iam", "create_role", {"RoleName": "r", "MaxSessionDuration": 43201}, "ValidationError", "equal to 43200"),
    ],
)
def test_iam(account: Account, service: str, method: str, told: dict[str, Any], code: str, said: str) -> None:
    with refused(code) as refusal:
        getattr(account.client(service), method)(AssumeRolePolicyDocument=POLICY, **told)
    assert said in refusal.message


def test_an_enum_of_each_service_is_told_in_its_own_words(account: Account) -> None:
    with refused("ValidationException") as ssm:
        account.client("ssm").put_parameter(Name="/a", Value="v", Type="Secret")
    assert "Value 'Secret' at 'type' failed to satisfy constraint: Member must satisfy enum value set" in ssm.message
    with refused("ValidationError"):
        account.client("elbv2").create_target_group(Name="t", Protocol="QUIK", Port=1)
    with refused("InvalidParameterValue") as ec2:
        account.ec2.create_volume(AvailabilityZone="eu-central-1a", Size=1, VolumeType="gp9")
    assert "Value (gp9) for parameter volumeType is invalid" in ec2.message
    with refused("InvalidInput"):
        account.client("route53").change_tags_for_resource(ResourceType="zone", ResourceId="Z1")
    with refused("MalformedXML"):
        account.client("s3").put_bucket_versioning(Bucket="b", VersioningConfiguration={"Status": "On"})


def test_a_value_of_something_secret_is_not_said_and_no_value_is_logged(account: Account) -> None:
    with refused("ValidationError") as refusal:
        account.client("iam").create_role(RoleName="sword fish", AssumeRolePolicyDocument=POLICY)
    assert "sword fish" in refusal.message
    log = (account.api._state / "requests.log").read_text()
    assert "ValidationError: RoleName: Member must satisfy regular expression pattern" in log
    assert "sword fish" not in log
    with refused("ValidationException") as refusal:
        account.client("ssm").put_parameter(Name="/a", Value="v", Type="String", KeyId="sword fish")
    with refused("ValidationError") as refusal:
        account.client("iam").create_login_profile(UserName="u", Password="x" * 129)
    assert "Value at 'password' failed" in refusal.message


@pytest.mark.parametrize(
    ("service", "action", "told", "code"),
    [
        ("ec2", "CreateVpc", {"CidrBlok": "10.0.0.0/16"}, "UnknownParameter"),
        ("ec2", "CreateVpc", {"CidrBlock": "10.0.0.0/16", "TagSpecification.1.Tags.1.Key": "k"}, "UnknownParameter"),
        ("ec2", "CreateSubnet", {"CidrBlock": "10.0.0.0/24"}, "MissingParameter"),
        ("ec2", "CreateVolume", {"AvailabilityZone": "eu-central-1a", "Size": "big"}, "InvalidParameterValue"),
        ("ec2", "CreateVpcs", {}, "InvalidAction"),
        ("autoscaling", "DescribeAutoScalingGroups", {"Filters.1.Name": "tag:x"}, "SandboxNotModelled"),
        ("autoscaling", "DescribeAutoScalingGroups", {"MaxRecord": "1"}, "SandboxNotModelled"),
        ("autoscaling", "DescribeAutoScalingGroups", {"Version": "2015-12-01"}, "InvalidAction"),
        ("autoscaling", "SetDesiredCapacity", {"AutoScalingGroupName": "g"}, "ValidationError"),
        ("elasticloadbalancing", "DescribeLoadBalancers", {"PageSize": "401"}, "ValidationError"),
    ],
)
def test_a_form(account: Account, service: str, action: str, told: dict[str, str], code: str) -> None:
    assert raw.ask(account, service, action, told).code == code


@pytest.mark.parametrize(
    ("action", "body", "code"),
    [
        ("GetParameter", b'{"Name": "/a", "WithDecription": true}', "SandboxNotModelled"),
        ("GetParameter", b'{"WithDecryption": true}', "ValidationException"),
        ("GetParameter", b'{"Name": 1}', "SerializationException"),
        ("GetParameter", b'{"Name": ', "SerializationException"),
        ("FetchParameter", b"{}", "UnknownOperationException"),
        ("GetParameter", b'{"Name": "/a", "WithDecryption": null}', "ParameterNotFound"),
    ],
)
def test_a_json_document(account: Account, action: str, body: bytes, code: str) -> None:
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"AmazonSSM.{action}"}
    assert raw.send(account, body, raw.signed(account, "ssm", body, headers)).code == code


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (
            b"<CreateHostedZoneRequest><Name>a.b</Name><CallerRef>x</CallerRef></CreateHostedZoneRequest>",
            "InvalidInput",
        ),
        (b"<CreateHostedZoneRequest><Name>a.b</Name></CreateHostedZoneRequest>", "InvalidInput"),
        (b"<CreateHostedZoneRequest><Name>", "MalformedInput"),
    ],
)
def test_an_xml_document(account: Account, body: bytes, code: str) -> None:
    path = "/2013-04-01/hostedzone"
    headers = raw.signed(account, "route53", body, {"Content-Type": "text/xml"}, path=path, region="us-east-1")
    assert raw.send(account, body, headers, path=path).code == code


def test_what_clients_send_of_every_kind_of_member_passes(account: Account) -> None:
    """Lists, maps and structures of each protocol, in the writing of botocore's own serializers."""
    client = boto3.client(
        "s3",
        region_name="eu-central-1",
        endpoint_url=f"http://127.0.0.1:{account.api.port}",
        aws_access_key_id=OPERATOR.name,
        aws_secret_access_key=OPERATOR.secret,
        config=Config(proxies={}),
    )
    client.create_bucket(Bucket="b-1", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    client.put_bucket_tagging(Bucket="b-1", Tagging={"TagSet": [{"Key": "a", "Value": "b"}, {"Key": "c", "Value": ""}]})
    rule = {"ID": "old", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 3}}
    client.put_bucket_lifecycle_configuration(
        Bucket="b-1", LifecycleConfiguration={"Rules": [rule, {**rule, "ID": "x"}]}
    )
    client.put_object(Bucket="b-1", Key="a b/ü+*~=(x)//y", Body=b"x", Metadata={"some": "thing"})
    assert client.get_object(Bucket="b-1", Key="a b/ü+*~=(x)//y")["Body"].read() == b"x"
    assert client.list_objects_v2(Bucket="b-1", Prefix="a b/ü", MaxKeys=2)["KeyCount"] == 1
    scaling = account.client("autoscaling")
    assert scaling.describe_tags(Filters=[{"Name": "key", "Values": ["a", "b"]}])["Tags"] == []
    assert scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[])["AutoScalingGroups"] == []
    tags = [{"ResourceType": "vpc", "Tags": [{"Key": "ü", "Value": "😀"}]}]
    account.ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=tags, InstanceTenancy="default")
    account.client("ssm").put_parameter(Name="/a", Value="v", Type="String", Tags=[{"Key": "ü", "Value": "x"}])


@pytest.mark.parametrize(
    ("method", "host", "address", "body"),
    [
        ("GET", "123456789012.s3-control", "/v20180820/tags/arn%3Aaws%3As3%3A%3A%3Ab-1", b""),
        ("GET", "b-1.s3", "/a%20b?x-id=GetObject", b""),
        ("PUT", "b-1.s3", "/?acl=", ACCESS),
        ("PUT", "b-1.s3", "/?lifecycle=", LIFECYCLE),
    ],
)
def test_requests_of_the_aws_provider_to_s3_pass(method: str, host: str, address: str, body: bytes) -> None:
    environ = {
        "REQUEST_METHOD": method,
        "HTTP_AUTHORIZATION": "AWS4-HMAC-SHA256 Credential=K/20261121/eu-central-1/s3/aws4_request",
        "HTTP_HOST": f"{host}.eu-central-1.amazonaws.com",
        "HTTP_X_AMZ_ACCOUNT_ID": "123456789012",
        "PATH_INFO": unquote(address.partition("?")[0]),
        "RAW_URI": address,
        "QUERY_STRING": address.partition("?")[2],
        "SERVER_NAME": "s3",
        "SERVER_PORT": "443",
        "wsgi.url_scheme": "https",
    }
    check(environ, body, call_of(environ, body, "123456789012"))
    if body:
        with pytest.raises(Refused, match="Wrong"):
            check(
                environ,
                body.replace(b"<Grant>", b"<Wrong/><Grant>").replace(b"<Rule>", b"<Wrong/><Rule>"),
                call_of(environ, body, "123456789012"),
            )
