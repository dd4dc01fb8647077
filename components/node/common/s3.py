"""S3 as far as machines may use it: objects are added, never replaced, read or deleted."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from components.node.common.aws import metadata, reason, role_credentials, signed_headers
from components.node.common.failure import Hopeless
from components.node.common.streams import Body, put
from components.node.common.units import remedy_for
from components.node.common.waiting import NotYet, wait_until

# Of an object that is sent at once.
LIMIT_BYTES: Final = 5 * 1024**3
_ATTEMPTS_SECONDS = 600
_PAUSE_SECONDS = 5
_STALLED_SECONDS = 60
_CONFLICT, _EXISTS, _SERVER_ERROR = 409, 412, 500
# By the code that S3 answers with.
_REMEDIES: Final[Mapping[str, str]] = {
    "PreconditionFailed": "There is such an object already, and nothing was overwritten",
    "NoSuchBucket": "Run pulumi up, which makes the bucket, or sets another one",
    "PermanentRedirect": "The bucket is in another region: run pulumi up, which sets the right one",
    "KMS.Disabled": "Enable the bucket's key again (aws kms enable-key), else there are no more snapshots",
    "KMS.NotFound": "The bucket's key is gone: run pulumi up, which makes another one",
    "KMSInvalidState": "The bucket's key is about to be deleted: aws kms cancel-key-deletion, then enable-key",
    "AccessDenied": "This machine's role may not add objects there, or not use the key: run pulumi up, and see that no "
    "policy of the account denies it",
    "RequestTimeTooSkewed": "This machine's clock is wrong; see: timedatectl timesync-status",
}


@dataclass(frozen=True)
class Bucket:
    """Where objects go, each encrypted with the KMS key of this ARN."""

    name: str
    key_arn: str

    def add(self, key: str, body: Body, size: int, digest: str, content_type: str) -> None:
        """Sends `size` bytes of `body`, which can seek and has the SHA-256 `digest` (hexadecimal), as a new object.

        Tries again where S3 does not answer or has trouble. Raises Failure with S3's reason and what to do, never with
        a secret.
        """
        region = metadata("meta-data/placement/region").strip()
        endpoint = os.environ.get("S3_ENDPOINT")
        base = f"{endpoint}/{self.name}" if endpoint else f"https://{self.name}.s3.{region}.amazonaws.com"
        url = f"{base}/{key}"
        headers = {
            "Content-Length": str(size),
            "Content-Type": content_type,
            "If-None-Match": "*",
            "X-Amz-Content-Sha256": digest,
            "X-Amz-Server-Side-Encryption": "aws:kms",
            "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id": self.key_arn,
        }
        attempts = 0

        def attempt() -> None:
            nonlocal attempts
            attempts += 1
            body.seek(0)
            credentials = role_credentials()
            signed = signed_headers(url, digest, headers, "s3", region, credentials, time.gmtime(), "PUT")
            answer = put(url, body, signed, _STALLED_SECONDS)
            # Nobody else writes that key: the answer to an attempt before was lost.
            if answer.status == 200 or (answer.status == _EXISTS and attempts > 1):
                return
            why = reason(answer.text, credentials)
            if answer.status == _CONFLICT or answer.status >= _SERVER_ERROR:
                raise NotYet(f"S3 answered {answer.status}: {why}")
            remedy = remedy_for(why, _REMEDIES)
            raise Hopeless(f"S3 refused {key} with {answer.status}: {why}{f'. {remedy}' if remedy else ''}")

        wait_until(_ATTEMPTS_SECONDS, f"{key} to be in the bucket {self.name}", attempt, every=_PAUSE_SECONDS)
