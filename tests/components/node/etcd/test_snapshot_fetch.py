"""Snapshots that are fetched from a local S3 by signed addresses."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import pytest

from components.node.common import log
from components.node.common.failure import Failure
from components.node.etcd.snapshot import fetch as fetching
from components.node.etcd.snapshot import room
from components.node.etcd.snapshot.fetch import Offer, fetch, read_offer
from components.node.etcd.snapshot.manifest import Manifest, read_manifest
from tests.components.node.aws_services import LocalAws, Stored, aws_of_this_process, s3_refusal

BUCKET, KEY = "quorate-test", "daily/20261130T120000Z-etcd-0/etcd.db"
CONTENT = os.urandom(3_000_000)
MANIFEST = Manifest(
    id="20261130T120000Z-etcd-0",
    retention="daily",
    cluster="test",
    machine="etcd-0",
    time="2026-11-30T12:00:00Z",
    etcd_version="3.6.13",
    kubernetes_version="v1.36.4",
    revision=100,
    hash=4711,
    compact_revision=50,
    keys=123,
    bytes=len(CONTENT),
    sha256=hashlib.sha256(CONTENT).hexdigest(),
    secrets_keys=["secretbox:key1"],
    etcd_authorities=["aa"],
    kubernetes_authorities=["bb"],
    compared_with=["https://10.0.0.1:2379"],
)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[LocalAws]:
    monkeypatch.setattr(fetching, "_PAUSE_SECONDS", 0)
    monkeypatch.setattr(room, "SPARE_BYTES", 0)
    monkeypatch.setattr(log, "LOGS", tmp_path / "logs")
    (tmp_path / "logs").mkdir()
    with aws_of_this_process(monkeypatch) as services:
        services.buckets[BUCKET] = {KEY: Stored(CONTENT, {})}
        yield services


def offered(aws: LocalAws, seconds: int = 900, **changes: Any) -> Offer:
    return Offer(aws.offer(BUCKET, KEY, seconds), dataclasses.replace(MANIFEST, **changes))


def refused(offer: Offer, folder: Path) -> str:
    """Why it was not fetched; nothing of it stays, and no message has the address or a part of it that lets in."""
    with pytest.raises(Failure) as failed:
        fetch(offer, folder / "etcd.db")
    assert not (folder / "etcd.db").exists()
    logs = "".join(each.read_text() for each in (folder / "logs").iterdir())
    for value in secrets_of(offer.url):
        assert value not in str(failed.value)
        assert value not in logs
    return str(failed.value)


def secrets_of(url: str) -> list[str]:
    told = dict(parse_qsl(urlsplit(url).query))
    values = [
        told[f"X-Amz-{name}"] for name in ("Signature", "Security-Token", "Credential") if f"X-Amz-{name}" in told
    ]
    return [url, *values, *(quote(value, safe="") for value in values)]


def test_a_snapshot_comes_as_its_manifest_says_and_nobody_else_may_read_it(aws: LocalAws, tmp_path: Path) -> None:
    found = fetch(offered(aws), tmp_path / "etcd.db")
    assert found.path.read_bytes() == CONTENT
    assert (found.size, found.sha256) == (MANIFEST.bytes, MANIFEST.sha256)
    assert found.path.stat().st_mode & 0o777 == 0o600
    # Whichever step ran in this process before gave the log its name.
    said = "".join(path.read_text() for path in (tmp_path / "logs").glob("*.log"))
    assert "fetched 2.9 MiB" in said
    assert "X-Amz" not in said


def test_an_offer_comes_through_standard_input_whole(aws: LocalAws) -> None:
    offer = offered(aws)
    assert read_offer(offer.text()) == offer
    assert offer.url not in repr(offer)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "3", '{"url": "https://x"}', '{"manifest": {}}', '{"url": 3, "manifest": {}}']
)
def test_what_is_no_offer_is_refused(text: str) -> None:
    with pytest.raises(Failure, match=r"standard input must be JSON|is not text"):
        read_offer(text)


def test_trouble_and_a_connection_that_breaks_are_followed_by_another_attempt(aws: LocalAws, tmp_path: Path) -> None:
    aws.refusals = [s3_refusal(503, "SlowDown", "later")]
    aws.torn = 2
    assert fetch(offered(aws), tmp_path / "etcd.db").path.read_bytes() == CONTENT
    assert len(aws.calls) == 3


def test_what_goes_on_breaking_is_a_failure_after_a_while(
    aws: LocalAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "_ATTEMPTS_SECONDS", 0)
    aws.torn = 9
    assert f"127.0.0.1 ended after 1500000 of {len(CONTENT)} bytes" in refused(offered(aws), tmp_path)
    offer = dataclasses.replace(offered(aws), url="http://127.0.0.1:9/b/k?X-Amz-Signature=0123456789abcdef0123")
    assert "127.0.0.1 does not answer" in refused(offer, tmp_path)


@pytest.mark.parametrize(
    "content", [CONTENT[:-1] + bytes([CONTENT[-1] ^ 1]), CONTENT[:-1], CONTENT + b"x"], ids=["bit", "shorter", "longer"]
)
def test_another_content_than_the_manifests_is_refused_at_once(content: bytes, aws: LocalAws, tmp_path: Path) -> None:
    aws.buckets[BUCKET][KEY] = Stored(content, {})
    said = refused(offered(aws), tmp_path)
    assert "is not what was put there" in said or f"has {len(content)} bytes in the bucket" in said
    assert "Choose another one" in said or "choose another one" in said
    assert len(aws.calls) == 1


def test_an_address_that_has_expired_is_refused_at_once(aws: LocalAws, tmp_path: Path) -> None:
    said = refused(offered(aws, seconds=-1), tmp_path)
    assert said.endswith(
        "with 403: AccessDenied: Request has expired. The address was good for minutes only: run the operation again"
    )
    assert len(aws.calls) == 1


@pytest.mark.parametrize(
    ("status", "code", "message", "remedy"),
    [
        (403, "AccessDenied", "no identity-based policy allows the kms:Decrypt action", "kms:Decrypt with its key"),
        (404, "NoSuchBucket", "The specified bucket does not exist", "The bucket is gone"),
        (400, "ExpiredToken", "The provided token has expired.", "sign in again"),
        (400, "KMS.DisabledException", "the key is disabled.", "aws kms enable-key"),
        (307, "TemporaryRedirect", "elsewhere", "with 307: TemporaryRedirect: elsewhere"),
    ],
)
def test_a_refusal_is_told_with_the_reason_of_s3_and_what_to_do(
    status: int, code: str, message: str, remedy: str, aws: LocalAws, tmp_path: Path
) -> None:
    aws.refusals = [s3_refusal(status, code, message)]
    assert remedy in refused(offered(aws), tmp_path)
    assert len(aws.calls) == 1


def test_a_refusal_that_repeats_the_address_shows_none_of_it(aws: LocalAws, tmp_path: Path) -> None:
    offer = offered(aws)
    aws.refusals = [s3_refusal(403, "SignatureDoesNotMatch", " ".join(secrets_of(offer.url)))]
    assert "(hidden)" in refused(offer, tmp_path)
    aws.refusals = [(403, " ".join(secrets_of(offer.url)))]
    assert "(hidden)" in refused(offer, tmp_path)


@pytest.mark.parametrize(
    "url", ["", "x", "https://host:port/k?X-Amz-Signature=0123456789abcdef0123", "http://h/a b?X=0123456789abcdef0123"]
)
def test_what_is_no_address_is_refused_without_showing_it(
    url: str, aws: LocalAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "_ATTEMPTS_SECONDS", 0)
    with pytest.raises(Failure) as failed:
        fetch(Offer(url, MANIFEST), tmp_path / "etcd.db")
    assert "0123456789abcdef0123" not in str(failed.value)


def test_a_disk_without_room_is_found_before_anything_is_asked(aws: LocalAws, tmp_path: Path) -> None:
    with pytest.raises(Failure, match=r"free, and the snapshot takes up to .*: it was not fetched"):
        fetch(offered(aws), tmp_path / "etcd.db", beside=2**60)
    assert aws.calls == []
    with pytest.raises(Failure, match=r"can't be written: .*Make room"):
        fetch(offered(aws), tmp_path / ("long" * 100))


# Manifests.


def test_a_manifest_is_read_as_it_was_written_and_later_fields_say_nothing() -> None:
    assert read_manifest(MANIFEST.text()) == MANIFEST
    assert read_manifest(json.dumps({**json.loads(MANIFEST.text()), "later": 1})) == MANIFEST


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is not JSON"),
        ("[]", "is not an object"),
        ("{}", "has the format None, and this release reads 1"),
        (json.dumps({"format": 2}), "has the format 2"),
        (json.dumps({"format": 1}), "lacks id, retention"),
        *(
            (json.dumps({**json.loads(MANIFEST.text()), **changed}), said)
            for changed, said in (
                ({"bytes": "1"}, "lacks bytes, or has it in another form"),
                ({"keys": -1}, "lacks keys,"),
                ({"revision": True}, "lacks revision,"),
                ({"id": None, "verified": 1}, "lacks id, verified,"),
                ({"compared_with": [1]}, "lacks compared_with,"),
                ({"time": "yesterday"}, "has the time 'yesterday', which is none"),
            )
        ),
    ],
)
def test_what_is_no_manifest_is_refused(text: str, said: str) -> None:
    with pytest.raises(Failure, match=said):
        read_manifest(text)
