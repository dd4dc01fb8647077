"""The bucket of a stack's snapshots, read by the operator's own `aws`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from components.node.common.failure import Failure
from components.node.etcd.snapshot.manifest import DATABASE, MANIFEST, Manifest, read_manifest
from operations.errors import OperationFailed
from operations.remote.aws import Aws
from operations.restore.choice import Stored, stored_at

# Of a URL. All members fetch at once, and a slow one may begin late.
_GOOD_SECONDS: Final = 3600


@dataclass(frozen=True)
class BucketStore:
    aws: Aws
    bucket: str

    @classmethod
    def of(cls, exported: Mapping[str, Any]) -> BucketStore:
        """By what the stack exports. Raises OperationFailed where it takes no snapshots."""
        found = exported.get("snapshots")
        if not found:
            raise OperationFailed("the stack takes no snapshots (backups.enabled), so there is nothing to restore")
        return cls(Aws(found["region"]), found["bucket"])

    def listed(self) -> Sequence[Stored]:
        """Those with a manifest. Raises OperationFailed."""
        listed = self.aws("s3api", "list-objects-v2", "--bucket", self.bucket, "--query", "Contents[].Key") or []
        folders = (key.removesuffix(f"/{MANIFEST}") for key in listed if key.endswith(f"/{MANIFEST}"))
        return [found for folder in folders if (found := stored_at(folder))]

    def manifest(self, stored: Stored) -> Manifest:
        """Raises OperationFailed, also for one that is damaged."""
        try:
            return read_manifest(self.aws.printed("s3", "cp", self._address(stored, MANIFEST), "-"))
        except Failure as failure:
            raise OperationFailed(
                f"the snapshot {stored.folder} can't be restored: {failure}. Choose another"
            ) from None

    def url(self, stored: Stored) -> str:
        """Of the database, good for an hour: a secret. Raises OperationFailed."""
        address = self._address(stored, DATABASE)
        return self.aws.printed("s3", "presign", address, "--expires-in", str(_GOOD_SECONDS)).strip()

    def _address(self, stored: Stored, name: str) -> str:
        return f"s3://{self.bucket}/{stored.folder}/{name}"
