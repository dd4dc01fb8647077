"""The bucket of a stack's snapshots, as its operator reads it. Nothing here changes anything."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import parse_qs, urlsplit

from components.node.common.units import remedy_for
from components.node.etcd.snapshot.fetch import REMEDIES, Offer
from components.node.etcd.snapshot.manifest import MANIFEST
from components.settings.model import BackupSettings
from operations.backups.snapshots import Snapshot, snapshots
from operations.errors import NotAnswered, OperationFailed
from operations.remote.aws import Aws, identity
from operations.remote.outputs import NOT_UP

# A machine begins at once.
_OFFER_SECONDS: Final = 900
_READ_SECONDS: Final = 600


class Account(Protocol):
    """What of `operations.remote.aws.Aws` is asked here. Raises NotAnswered."""

    def __call__(self, service: str, operation: str, *parameters: str) -> Any: ...

    def printed(self, service: str, operation: str, *parameters: str, seconds: float = ...) -> str: ...


@dataclass(frozen=True)
class Bucket:
    """A bucket by its name and region, asked through the operator's account."""

    name: str
    region: str
    ask: Account

    def __str__(self) -> str:
        return f"bucket {self.name} in {self.region}"

    def reader(self) -> str:
        """Who reads it, by AWS's name. Raises OperationFailed where nobody is signed in."""
        return identity(self.ask)

    def snapshots(self) -> Sequence[Snapshot]:
        """All of them, the newest first. Raises OperationFailed with what to do."""
        try:
            listed = self.ask("s3api", "list-objects-v2", "--bucket", self.name).get("Contents", [])
            return snapshots(listed, self._manifests() if listed else {})
        except NotAnswered as unanswered:
            raise self._refused(unanswered) from None

    def offer(self, snapshot: Snapshot) -> Offer:
        """What lets a machine fetch the snapshot, which counts, for a quarter of an hour. A secret: for standard input.

        Raises OperationFailed.
        """
        assert snapshot.manifest
        where = f"s3://{self.name}/{snapshot.key}"
        # Version 1 of `aws` takes the address for all regions, from which S3 sends on to the bucket's.
        home = ("--endpoint-url", f"https://s3.{self.region}.amazonaws.com")
        try:
            url = self.ask.printed("s3", "presign", where, "--expires-in", str(_OFFER_SECONDS), *home).strip()
        except NotAnswered as unanswered:
            raise self._refused(unanswered) from None
        if "X-Amz-Signature" not in parse_qs(urlsplit(url).query):
            raise OperationFailed(
                "`aws s3 presign` signed in an old way, which S3 refuses for objects that a key encrypts: install "
                "version 2 of AWS's command line, or run `aws configure set default.s3.signature_version s3v4`"
            )
        return Offer(url, snapshot.manifest)

    def _manifests(self) -> Mapping[str, str]:
        """Their texts by their keys, all with one call: `aws` takes most of a second to start."""
        with tempfile.TemporaryDirectory(prefix="quorate-") as folder:
            only = ("--recursive", "--exclude", "*", "--include", f"*/{MANIFEST}", "--only-show-errors")
            self.ask.printed("s3", "cp", f"s3://{self.name}/", folder, *only, seconds=_READ_SECONDS)
            found = Path(folder).rglob(MANIFEST)
            return {str(each.relative_to(folder)): each.read_text(errors="replace") for each in found}

    def _refused(self, unanswered: NotAnswered) -> OperationFailed:
        remedy = remedy_for(str(unanswered), REMEDIES)
        return OperationFailed(f"the bucket {self.name} can't be read: {unanswered}{f'. {remedy}' if remedy else ''}")


def opened_bucket(exported: Mapping[str, Any], backups: BackupSettings) -> Bucket:
    """The one that the stack exports. Nothing is asked yet. Raises OperationFailed where it has none."""
    if not exported.get("machines"):
        raise OperationFailed(NOT_UP)
    if found := exported.get("snapshots"):
        region = str(found["region"])
        return Bucket(str(found["bucket"]), region, Aws(region))
    if backups.enabled:
        raise OperationFailed("backups.enabled is set, and the stack has no bucket yet: run `pulumi up`")
    raise OperationFailed("this stack takes no snapshots: set backups.enabled and run `pulumi up`")
