"""Objects that a machine adds to a bucket, with a local S3 that checks signatures and refuses what S3 refuses."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.node.common import log, s3
from components.node.common.failure import Failure
from components.node.common.s3 import Bucket
from tests.components.node.aws_services import SECRETS, LocalAws, aws_of_this_process, s3_refusal

KEY_ARN = "arn:aws:kms:eu-central-1:111122223333:key/0a"
BUCKET = Bucket("quorate-test", KEY_ARN)
# More than fits between two programs, so that a refusal comes while it is sent.
LARGE = bytes(16 * 1024**2)


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[LocalAws]:
    monkeypatch.setattr(s3, "_PAUSE_SECONDS", 0)
    monkeypatch.setattr(log, "LOGS", tmp_path)
    with aws_of_this_process(monkeypatch) as services:
        services.buckets["quorate-test"] = {}
        yield services


def add(body: bytes = b"content", key: str = "all/one/etcd.db") -> None:
    BUCKET.add(key, io.BytesIO(body), len(body), hashlib.sha256(body).hexdigest(), "application/octet-stream")


def test_an_object_is_added_signed_and_encrypted_with_the_clusters_key(services: LocalAws) -> None:
    add()
    stored = services.buckets["quorate-test"]["all/one/etcd.db"]
    assert stored.body == b"content"
    assert stored.headers["x-amz-server-side-encryption"] == "aws:kms"
    assert stored.headers["x-amz-server-side-encryption-aws-kms-key-id"] == KEY_ARN
    assert stored.headers["content-type"] == "application/octet-stream"


def test_another_body_than_the_one_that_was_hashed_is_refused(services: LocalAws) -> None:
    with pytest.raises(Failure, match="XAmzContentSHA256Mismatch"):
        BUCKET.add("all/one/etcd.db", io.BytesIO(b"torn"), 4, hashlib.sha256(b"whole").hexdigest(), "text/plain")
    assert services.buckets["quorate-test"] == {}


def test_what_is_there_is_never_overwritten(services: LocalAws) -> None:
    add()
    with pytest.raises(Failure, match=r"refused all/one/etcd.db with 412: .*nothing was overwritten"):
        add(b"another")
    assert services.buckets["quorate-test"]["all/one/etcd.db"].body == b"content"


def test_trouble_of_s3_and_a_lost_answer_are_followed_by_another_attempt(services: LocalAws) -> None:
    services.refusals = [s3_refusal(503, "SlowDown", "later"), s3_refusal(409, "ConditionalRequestConflict", "twice")]
    services.lost = 1
    add(LARGE)
    assert services.buckets["quorate-test"]["all/one/etcd.db"].body == LARGE
    assert len(services.calls) == 4, "the last one meets the object of the attempt whose answer was lost"


@pytest.mark.parametrize(
    ("status", "code", "message", "remedy"),
    [
        (403, "AccessDenied", "no policy allows s3:PutObject", "role may not add objects there"),
        (404, "NoSuchBucket", "there is none", "Run pulumi up, which makes the bucket"),
        (400, "KMS.DisabledException", f"{KEY_ARN} is disabled.", "aws kms enable-key"),
        (400, "KMS.KMSInvalidStateException", f"{KEY_ARN} is pending deletion.", "cancel-key-deletion"),
        (400, "KMS.NotFoundException", f"{KEY_ARN} does not exist", "another one"),
        (301, "PermanentRedirect", "elsewhere", "another region"),
        (403, "RequestTimeTooSkewed", "too late", "clock is wrong"),
    ],
)
def test_a_refusal_is_told_at_once_with_the_reason_of_s3_and_what_to_do(
    status: int, code: str, message: str, remedy: str, services: LocalAws
) -> None:
    services.refusals = [s3_refusal(status, code, message)]
    with pytest.raises(Failure) as refused:
        add(LARGE)
    for part in (f"S3 refused all/one/etcd.db with {status}: {code}: {message}", remedy):
        assert part in str(refused.value)
    assert len(services.calls) == 1


def test_a_refusal_that_repeats_what_was_signed_shows_no_secret(services: LocalAws) -> None:
    services.refusals = [s3_refusal(403, "SignatureDoesNotMatch", " ".join(SECRETS))]
    with pytest.raises(Failure, match=r"\(hidden\)") as refused:
        add()
    assert not [secret for secret in SECRETS[:2] if secret in str(refused.value)]


def test_an_s3_that_does_not_answer_is_a_failure_after_a_while(
    services: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "_ATTEMPTS_SECONDS", 0)
    monkeypatch.setenv("S3_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(Failure, match=r"in the bucket quorate-test; the last answer was: .* does not answer: "):
        add()
