from __future__ import annotations

import datetime
import hashlib
import urllib.request
from pathlib import Path
from unittest import mock

import botocore.credentials
import pytest
from botocore.auth import S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest

from components.node.common import aws
from sandbox.cloud.api.credentials import Credentials
from sandbox.cloud.api.server import REGION
from sandbox.cloud.api.signatures import Mismatch, signature_of
from sandbox.tests.cloud.api import raw
from sandbox.tests.cloud.api.account import OPERATOR, Account, Key, refused

JSON = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "AmazonSSM.DescribeParameters"}
CALLS = {
    "ec2": (b"Action=DescribeVpcs&Version=2016-11-15", raw.FORM),
    "iam": (b"Action=ListRoles&Version=2010-05-08", raw.FORM),
    "ssm": (b"{}", JSON),
}
MINUTES = datetime.timedelta(minutes=1)


@pytest.mark.parametrize(
    ("service", "code", "status"),
    [("ec2", "AuthFailure", 401), ("iam", "SignatureDoesNotMatch", 403), ("ssm", "InvalidSignatureException", 400)],
)
def test_a_signature_that_does_not_fit_is_refused(account: Account, service: str, code: str, status: int) -> None:
    body, headers = CALLS[service]
    other = Key(OPERATOR.name, "another")
    for late, key, sent in ((0, other, body), (0, OPERATOR, body + b" "), (6, OPERATOR, body), (-6, OPERATOR, body)):
        made = raw.signed(account, service, body, headers, key=key, late=late * MINUTES)
        reply = raw.send(account, sent, made)
        assert (reply.code, reply.status) == (code, status)
    made = raw.signed(account, service, body, headers, late=4 * MINUTES)
    assert raw.send(account, body, made).status == 200


def test_the_scope_is_that_of_the_host(account: Account) -> None:
    body, headers = CALLS["iam"]
    for host, region, said in (
        ("iam.amazonaws.com", "eu-central-1", "valid region, not 'eu-central-1'"),
        ("ssm.eu-central-1.amazonaws.com", "eu-central-1", "correct service: 'ssm'"),
    ):
        made = raw.signed(account, "iam", body, {**headers, "Host": host}, region=region)
        reply = raw.send(account, body, made, host=host)
        assert reply.code == "SignatureDoesNotMatch"
        assert said in reply.text.replace("&apos;", "'")
    made = raw.signed(account, "iam", body, {**headers, "Host": "iam.amazonaws.com"}, region="us-east-1")
    assert raw.send(account, body, made, host="iam.amazonaws.com").status == 200


def test_s3_tells_the_reason_in_codes_of_its_own(account: Account) -> None:
    with refused("SignatureDoesNotMatch"):
        account.client("s3", Key(OPERATOR.name, "another")).list_buckets()
    with refused("InvalidAccessKeyId"):
        account.client("s3", Key("AKIAOTHER", "another")).list_buckets()


def test_a_temporary_key_needs_its_own_token(account: Account) -> None:
    key, other = account.role_key("node", "i-1"), account.role_key("node", "i-2")
    account.client("sts", key).get_caller_identity()
    for token in (None, other.token):
        with refused("InvalidClientTokenId"):
            account.client("sts", key._replace(token=token)).get_caller_identity()


def test_a_signed_address_is_good_for_its_time_and_its_object(account: Account) -> None:
    s3 = account.client("s3")
    s3.create_bucket(Bucket="signed", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    s3.put_object(Bucket="signed", Key="a b/ü", Body=b"x")
    url = s3.generate_presigned_url("get_object", {"Bucket": "signed", "Key": "a b/ü"}, ExpiresIn=60)
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url) as answer:
        assert answer.read() == b"x"
    path = url.partition(str(account.api.port))[2]
    assert raw.send(account, b"", {}, "GET", path.replace("a%20b", "a%20c")).code == "SignatureDoesNotMatch"


def address(account: Account, seconds: int = 60, key: Key = OPERATOR, late: datetime.timedelta = 0 * MINUTES) -> str:
    """A signed path of an object, made so `late`."""
    request = AWSRequest("GET", f"http://127.0.0.1:{account.api.port}/signed/a")
    with mock.patch("botocore.auth.get_current_datetime", return_value=datetime.datetime.now(datetime.UTC) - late):
        S3SigV4QueryAuth(botocore.credentials.Credentials(*key), "s3", REGION, expires=seconds).add_auth(request)
    return str(request.url).partition(str(account.api.port))[2]


def test_a_signed_address_that_is_not_good_is_refused_as_s3_does(account: Account) -> None:
    s3 = account.client("s3")
    s3.create_bucket(Bucket="signed", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket="signed", Key="a", Body=b"x")
    good = address(account)
    assert raw.send(account, b"", {}, "GET", good) == raw.Reply(200, "x")
    week, role = 7 * 24 * 3600, account.role_key("node")
    refused = [
        (address(account, 60, late=2 * MINUTES), {}, "GET", 403, "AccessDenied", "Request has expired"),
        (address(account, 60, late=-20 * MINUTES), {}, "GET", 403, "AccessDenied", "Request is not valid yet"),
        (address(account, week + 1), {}, "GET", 400, "AuthorizationQueryParametersError", "less than a week"),
        (good.replace("Expires=60", "Expires=x"), {}, "GET", 400, "AuthorizationQueryParametersError", "a number"),
        (good.replace("Expires=60", "Expires=61"), {}, "GET", 403, "SignatureDoesNotMatch", "calculated"),
        (good.replace("signed/a", "signed/b"), {}, "GET", 403, "SignatureDoesNotMatch", "calculated"),
        (f"{good}&versionId=1", {}, "GET", 403, "SignatureDoesNotMatch", "calculated"),
        (good, {}, "PUT", 403, "SignatureDoesNotMatch", "calculated"),
        (good, {"X-Amz-Acl": "private"}, "GET", 403, "AccessDenied", "not signed: x-amz-acl"),
        (good, {"Authorization": "AWS4-HMAC-SHA256 Credential=a"}, "GET", 400, "InvalidArgument", "Only one auth"),
        (address(account, key=Key(OPERATOR.name, "another")), {}, "GET", 403, "SignatureDoesNotMatch", "calculated"),
        (address(account, key=role._replace(token=None)), {}, "GET", 403, "InvalidToken", "token"),
        (address(account, key=role), {}, "GET", 403, "AccessDenied", "s3:GetObject"),
    ]
    for path, headers, method, status, code, said in refused:
        reply = raw.send(account, b"", headers, method, path)
        assert (reply.status, reply.code) == (status, code), (path, reply)
        assert said in reply.text
    assert raw.send(account, b"", {}, "GET", address(account, week)).status == 200


def test_the_nodes_own_signature_is_accepted(account: Account) -> None:
    key = account.role_key("node")
    body, headers = b"Action=GetCallerIdentity&Version=2011-06-15", raw.FORM
    url = f"http://127.0.0.1:{account.api.port}/"
    credentials = aws.Credentials(key.name, key.secret, key.token or "")
    now = datetime.datetime.now(datetime.UTC).timetuple()
    digest = hashlib.sha256(body).hexdigest()
    signed = aws.signed_headers(url, digest, headers, "sts", "eu-central-1", credentials, now)
    assert raw.send(account, body, signed).status == 200
    signed["X-Amz-Date"] = signed["X-Amz-Date"].replace("T", "t")
    assert raw.send(account, body, signed).code == "SignatureDoesNotMatch"


def test_a_body_that_is_not_the_one_that_its_header_names_is_refused() -> None:
    authorization = (
        "AWS4-HMAC-SHA256 Credential=K/20261121/eu-central-1/s3/aws4_request, SignedHeaders=host, Signature=0"
    )
    environ = {
        "REQUEST_METHOD": "PUT",
        "HTTP_AUTHORIZATION": authorization,
        "HTTP_X_AMZ_DATE": "20261121T120000Z",
        "HTTP_X_AMZ_CONTENT_SHA256": "0" * 64,
    }
    signature = signature_of(environ)
    assert signature is not None
    now = datetime.datetime(2026, 11, 21, 12, tzinfo=datetime.UTC)
    with pytest.raises(Mismatch, match="x-amz-content-sha256"):
        signature.verify(environ, b"x", "secret", now)
    with pytest.raises(Mismatch, match="calculated"):
        signature.verify(environ, None, "secret", now)


def test_keys_outlive_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "credentials.key"
    issued = Credentials("1", file).issue("node", "i-1")
    kept = Credentials("1", file)._key(issued["AccessKeyId"])
    assert kept is not None
    assert (kept.secret, kept.token) == (issued["SecretAccessKey"], issued["Token"])
    assert file.stat().st_mode & 0o777 == 0o600
    file.write_text('{"ASIA": ["node/i-1", "2999"]}')
    assert Credentials("1", file)._key("ASIA") is None


def test_the_signer_of_botocore_has_what_is_replaced_of_it() -> None:
    assert {"headers_to_sign", "canonical_query_string", "payload"} <= vars(SigV4Auth).keys()
