"""The client of AWS against published signatures, botocore's signer, and local services that check what AWS checks."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials

from components.node.common import aws
from components.node.common.failure import Failure
from components.node.control_plane.join_credentials import put_parameter
from tests.components.node.aws_services import KEYS, SECRETS, LocalAws, aws_of_this_process

# Of AWS's published test suite of Signature Version 4.
PUBLISHED = aws.Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "")
MOMENT = time.strptime("20150830T123600Z", "%Y%m%dT%H%M%SZ")
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalAws]:
    with aws_of_this_process(monkeypatch) as services:
        yield services


@pytest.mark.parametrize(
    ("method", "headers", "body", "signature"),
    [
        ("GET", {}, b"", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("POST", {}, b"", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        ("POST", FORM, b"Param1=value1", "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"),
    ],
)
def test_signatures_are_those_that_aws_publishes(
    method: str, headers: dict[str, str], body: bytes, signature: str
) -> None:
    signed = aws.signed_headers(
        "https://example.amazonaws.com/", _digest(body), headers, "service", "us-east-1", PUBLISHED, MOMENT, method
    )
    assert signed["Authorization"].endswith(f"Signature={signature}")
    assert "X-Amz-Security-Token" not in signed


@pytest.mark.parametrize("service", ["ssm", "autoscaling"])
@pytest.mark.parametrize("url", ["https://x.eu-central-1.amazonaws.com/", "http://127.0.0.1:4566"])
def test_signatures_with_a_sessions_token_are_those_of_botocore(service: str, url: str) -> None:
    keys = aws.Credentials(KEYS["AccessKeyId"], KEYS["SecretAccessKey"], KEYS["Token"])
    body = '{"Name": "ä/value with  spaces"}'.encode()
    signed = aws.signed_headers(
        url, _digest(body), {"Content-Type": "application/x-amz-json-1.1"}, service, "eu-central-1", keys, time.gmtime()
    )
    request = AWSRequest("POST", url, data=body, headers={"Content-Type": signed["Content-Type"]})
    request.headers["X-Amz-Date"] = signed["X-Amz-Date"]
    request.headers["X-Amz-Security-Token"] = KEYS["Token"]
    request.context["timestamp"] = signed["X-Amz-Date"]
    signer = SigV4Auth(BotoCredentials(*KEYS.values()), service, "eu-central-1")
    expected = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
    assert signed["Authorization"].endswith(f"Signature={expected}")


def test_metadata_is_asked_with_a_sessions_token_and_a_missing_path_is_named(services: LocalAws) -> None:
    assert aws.metadata("meta-data/instance-id") == "i-0abc"
    with pytest.raises(Failure, match="meta-data/nowhere answered 404"):
        aws.metadata("meta-data/nowhere")


def test_a_parameter_is_read_as_it_was_written(services: LocalAws) -> None:
    value = 'line "one"\nünd two\n'
    put_parameter("/quorate/test/key", value)
    assert aws.get_parameter("/quorate/test/key") == value


def test_a_refusal_names_the_call_its_status_and_the_reason_of_aws(services: LocalAws) -> None:
    with pytest.raises(Failure, match=r"ssm GetParameter /quorate/none was refused with 400: ParameterNotFound$"):
        aws.get_parameter("/quorate/none")


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ('{"__type":"com.amazon#AccessDeniedException","Message":"may not"}', "AccessDeniedException: may not"),
        ("<E><Error><Code>AccessDenied</Code><Message>may not</Message></Error></E>", "AccessDenied: may not"),
        ("<E><Code>AccessDenied</Code></E>", "AccessDenied"),
        ("<html>a gateway's page</html>", "<html>a gateway's page</html>"),
        ("", "no reason given"),
    ],
)
def test_reasons_are_found_in_each_form_of_answer(answer: str, told: str, services: LocalAws) -> None:
    services.refusals = [(403, answer)]
    with pytest.raises(Failure) as refused:
        aws.get_parameter("/quorate/test/key")
    assert str(refused.value).endswith(f"refused with 403: {told}")


def test_a_refusal_that_repeats_what_was_signed_or_sent_shows_no_secret(services: LocalAws) -> None:
    canonical = f"The Canonical String should have been 'POST x-amz-security-token:{KEYS['Token']}' for new-value"
    refusal = (403, json.dumps({"__type": "InvalidSignatureException", "message": canonical}))
    services.refusals = [refusal]
    with pytest.raises(Failure, match=r"token:\(hidden\)' for \(hidden\)") as refused:
        put_parameter("/quorate/test/key", "new-value")
    assert not [secret for secret in SECRETS if secret in str(refused.value)]


def test_a_role_without_credentials_is_named_with_its_reason(services: LocalAws) -> None:
    services.metadata["iam/security-credentials/nodes"] = '{"Code": "AssumeRoleUnauthorizedAccess"}'
    with pytest.raises(Failure, match="role nodes has no credentials: AssumeRoleUnauthorizedAccess"):
        aws.get_parameter("/quorate/test/key")


@pytest.mark.parametrize("text", ["<html>", '["no object"]'])
def test_credentials_in_another_form_are_a_failure_that_does_not_show_them(text: str, services: LocalAws) -> None:
    services.metadata["iam/security-credentials/nodes"] = text
    with pytest.raises(Failure, match="the credentials of role nodes came as something else") as failed:
        aws.get_parameter("/quorate/test/key")
    assert text not in str(failed.value)


@pytest.mark.parametrize("text", ["{}", '{"Parameter": null}'])
def test_an_answer_without_a_value_is_a_failure(text: str, services: LocalAws) -> None:
    services.refusals = [(200, text)]
    with pytest.raises(Failure, match="without a value for /quorate/test/key"):
        aws.get_parameter("/quorate/test/key")


def test_credentials_are_never_shown_by_accident() -> None:
    shown = repr(aws.Credentials("AKIA", "secret", "token"))
    assert not [secret for secret in ("AKIA", "secret", "token=") if secret in shown]
