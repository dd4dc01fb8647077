"""Fault: the tags that a CreateBucket request carries are dropped, and the types of encryption that a bucket blocks."""

from __future__ import annotations

from typing import Any

import xmltodict
from moto.core.responses import ActionResult
from moto.s3.exceptions import ServerSideEncryptionConfigurationNotFoundError
from moto.s3.responses import S3Response


def apply(region: str) -> None:
    answer_put = S3Response._bucket_response_put

    def put(self: Any, *arguments: Any, **named: Any) -> Any:
        answer = answer_put(self, *arguments, **named)
        if tags := tags_of(self.body):
            self.backend.put_bucket_tagging(self.bucket_name, tags)
        return answer

    S3Response._bucket_response_put = put
    S3Response.get_bucket_encryption = _encryption


def _encryption(self: Any) -> Any:
    self.data["Action"] = "GetBucketEncryption"
    told = self.backend.get_bucket_encryption(self.bucket_name)
    if not told:
        raise ServerSideEncryptionConfigurationNotFoundError(bucket_name=self.bucket_name)
    rule = told["Rule"]
    answer = {
        "ApplyServerSideEncryptionByDefault": rule["ApplyServerSideEncryptionByDefault"],
        "BucketKeyEnabled": rule.get("BucketKeyEnabled") == "true",
    }
    if blocked := (rule.get("BlockedEncryptionTypes") or {}).get("EncryptionType"):
        answer["BlockedEncryptionTypes"] = {"EncryptionType": [blocked] if isinstance(blocked, str) else blocked}
    return self.serialized(ActionResult({"ServerSideEncryptionConfiguration": {"Rules": [answer]}}))


def tags_of(body: bytes | str) -> dict[str, str]:
    """The tags in a CreateBucketConfiguration document."""
    # A PUT of a bucket may be any of thirty requests; only one has this root.
    if b"<CreateBucketConfiguration" not in (body.encode() if isinstance(body, str) else body):
        return {}
    configuration = xmltodict.parse(body, force_list=("Tag",)).get("CreateBucketConfiguration") or {}
    return {tag["Key"]: tag["Value"] or "" for tag in (configuration.get("Tags") or {}).get("Tag", [])}
