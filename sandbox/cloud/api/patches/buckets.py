"""Fault: the tags that a CreateBucket request carries are dropped."""

from __future__ import annotations

from typing import Any

import xmltodict
from moto.s3.responses import S3Response


def apply(region: str) -> None:
    answer_put = S3Response._bucket_response_put

    def put(self: Any, *arguments: Any, **named: Any) -> Any:
        answer = answer_put(self, *arguments, **named)
        if tags := tags_of(self.body):
            self.backend.put_bucket_tagging(self.bucket_name, tags)
        return answer

    S3Response._bucket_response_put = put


def tags_of(body: bytes | str) -> dict[str, str]:
    """The tags in a CreateBucketConfiguration document."""
    # A PUT of a bucket may be any of thirty requests; only one has this root.
    if b"<CreateBucketConfiguration" not in (body.encode() if isinstance(body, str) else body):
        return {}
    configuration = xmltodict.parse(body, force_list=("Tag",)).get("CreateBucketConfiguration") or {}
    return {tag["Key"]: tag["Value"] or "" for tag in (configuration.get("Tags") or {}).get("Tag", [])}
