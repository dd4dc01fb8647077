"""A snapshot from the bucket, by an address that the operator has signed: machines themselves may not read there.

Whoever has the address can read the snapshot while it is good, so it comes by standard input, and no message has it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from components.node.common import log
from components.node.common.aws import Credentials, reason
from components.node.common.failure import Failure, Hopeless
from components.node.common.streams import Incoming, incoming
from components.node.common.units import remedy_for
from components.node.common.waiting import NotYet, wait_until
from components.node.etcd.snapshot.download import SnapshotFile
from components.node.etcd.snapshot.manifest import Manifest, manifest_of
from components.node.etcd.snapshot.progress import Progress, size_text
from components.node.etcd.snapshot.room import check_room

_ATTEMPTS_SECONDS = 600
_PAUSE_SECONDS = 5
_STALLED_SECONDS = 60
_SERVER_ERROR = 500
# Nothing in an address that lets anybody in is shorter.
_SECRET_LENGTH: Final = 16
# By what S3 answers to who reads a snapshot.
REMEDIES: Final[Mapping[str, str]] = {
    "Request has expired": "The address was good for minutes only: run the operation again",
    "ExpiredToken": "What the address was signed with has ended: sign in again, and run the operation again",
    "AccessDenied": "Who reads snapshots must be allowed s3:ListBucket and s3:GetObject in the bucket, and kms:Decrypt "
    "with its key, by no policy denied",
    "NoSuchKey": "The snapshot has ended, or somebody deleted it: choose another one",
    "NoSuchBucket": "The bucket is gone, and its snapshots with it: pulumi refresh and pulumi up make another one",
    "KMS.Disabled": "Enable the bucket's key again (aws kms enable-key)",
    "KMS.NotFound": "The key is gone, and with it what it has encrypted",
    "KMSInvalidState": "The bucket's key is about to be deleted: aws kms cancel-key-deletion, then enable-key",
    "RequestTimeTooSkewed": "The clock of the machine that signed the address is wrong",
}


@dataclass(frozen=True)
class Offer:
    """A snapshot by its manifest, and the signed address of its database."""

    url: str = field(repr=False)
    manifest: Manifest

    def text(self) -> str:
        """As it comes by standard input."""
        return json.dumps({"url": self.url, "manifest": json.loads(self.manifest.text())})


def read_offer(text: str) -> Offer:
    """What `Offer.text` wrote. Raises Failure, which repeats nothing of it."""
    try:
        found = json.loads(text)
        url, manifest = found["url"], found["manifest"]
    except (ValueError, KeyError, TypeError):
        raise Failure("standard input must be JSON with the address of a snapshot and its manifest") from None
    if not isinstance(url, str):
        raise Failure("the address of the snapshot is not text")
    return Offer(url, manifest_of(manifest))


def fetch(offer: Offer, path: Path, beside: int = 0) -> SnapshotFile:
    """Writes the database of the snapshot to `path`, whose folder is there, with the size and hash of its manifest.

    Tries again where S3 does not answer, breaks off or has trouble. Raises Failure, and leaves no file then; also where
    the disk would not have room for it and `beside` bytes more.
    """
    check_room(path.parent, offer.manifest.bytes + beside, "the snapshot", "it was not fetched")

    def attempt() -> SnapshotFile:
        try:
            with incoming(offer.url, _STALLED_SECONDS) as answer:
                _check(answer, offer)
                return _write(answer, offer.manifest, path)
        except BaseException:
            with contextlib.suppress(OSError):
                path.unlink()
            raise

    return wait_until(_ATTEMPTS_SECONDS, f"the snapshot {offer.manifest.id} to come", attempt, every=_PAUSE_SECONDS)


def _check(answer: Incoming, offer: Offer) -> None:
    expected, name = offer.manifest.bytes, f"snapshot {offer.manifest.id}"
    if answer.status != 200:
        why = reason(answer.text(), Credentials("", "", ""), _secrets_of(offer.url))
        if answer.status >= _SERVER_ERROR:
            raise NotYet(f"S3 answered {answer.status}: {why}")
        remedy = remedy_for(why, REMEDIES)
        raise Hopeless(f"S3 refused the {name} with {answer.status}: {why}{f'. {remedy}' if remedy else ''}")
    if answer.size is not None and answer.size != expected:
        raise Hopeless(
            f"the {name} has {answer.size} bytes in the bucket, and {expected} by its manifest: choose another one"
        )


def _write(answer: Incoming, manifest: Manifest, path: Path) -> SnapshotFile:
    progress, whole, size = Progress("fetching", manifest.bytes), hashlib.sha256(), 0
    try:
        path.unlink(missing_ok=True)
        path.touch(0o600)
        with path.open("wb") as file:
            for block in answer.blocks():
                size += len(block)
                if size > manifest.bytes:
                    break
                file.write(block)
                whole.update(block)
                progress.add(len(block))
    except OSError as error:
        raise Hopeless(f"{path} can't be written: {error}. Make room on its disk, or raise etcd.volumeGib") from error
    if size < manifest.bytes:
        raise NotYet(f"{answer.host} ended after {size} of {manifest.bytes} bytes")
    if size > manifest.bytes or whole.hexdigest() != manifest.sha256:
        raise Hopeless(
            f"what the bucket has as snapshot {manifest.id} is not what was put there: size or SHA-256 are not those "
            "of its manifest. Choose another one, and find out who changed it: the bucket keeps earlier versions"
        )
    log.report(f"fetched {size_text(size)} in {progress.seconds}; size and SHA-256 are right")
    return SnapshotFile(path, size, manifest.sha256)


def _secrets_of(url: str) -> Sequence[str]:
    """What of an address must be in no message, the longest first."""
    query = urlsplit(url).query
    values = [value for _, value in parse_qsl(query) if len(value) >= _SECRET_LENGTH]
    quoted = [part.partition("=")[2] for part in query.split("&")]
    found = {url, query, unquote(query), *values, *(value for value in quoted if len(value) >= _SECRET_LENGTH)}
    return sorted(filter(None, found), key=len, reverse=True)
