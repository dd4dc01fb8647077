"""What S3 looks at beside what the caller may do: the policy of the bucket, and the key of its objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.s3.models import s3_backends

from sandbox.cloud.api.authorization import denies, statements_of
from sandbox.cloud.api.calls import Call
from sandbox.cloud.api.conditions import NotModelled
from sandbox.cloud.api.limits import CODE
from sandbox.cloud.api.refusals import Refused
from sandbox.cloud.api.storage_calls import makes_an_object

_ENCRYPTED = "aws:kms"
_HEADER = "HTTP_X_AMZ_SERVER_SIDE_ENCRYPTION"


def denied_by_bucket(account: str, environ: Mapping[str, Any], call: Call) -> bool:
    """Whether the bucket's policy denies the call to everybody. Raises Refused where that can't be judged here."""
    (resource,) = call.resources
    bucket = _bucket(account, resource)
    policy = getattr(bucket, "policy", None)
    if not policy:
        return False

    def facts(key: str) -> tuple[str, ...] | None:
        known = {
            "aws:securetransport": "true",
            "s3:if-none-match": environ.get("HTTP_IF_NONE_MATCH"),
            "s3:objectcreationoperation": str(makes_an_object(environ.get("QUERY_STRING", ""))).lower(),
        }
        if key.lower() not in known:
            raise NotModelled(f"the sandbox does not know the condition key {key} of {call.name}")
        value = known[key.lower()]
        return None if value is None else (value,)

    try:
        return denies(statements_of([policy.decode()]), f"s3:{call.action}", resource, facts)
    except NotModelled as gap:
        raise Refused(CODE, f"the policy of the bucket of {resource}: {gap}") from None


def key_asked(account: str, environ: Mapping[str, Any], call: Call) -> tuple[str, str] | None:
    """What S3 asks of KMS in the caller's name: action and ARN of the key. None where no key of the account is used."""
    (resource,) = call.resources
    bucket, name = _bucket(account, resource), resource.partition("/")[2]
    if bucket is None or not name or call.action not in ("PutObject", "GetObject"):
        return None
    if call.action == "GetObject":
        there = s3_backends[account]["aws"].get_object(bucket.name, name)
        kind, key = (there.encryption, there.kms_key_id) if there else (None, None)
    else:
        rule = ((bucket.encryption or {}).get("Rule") or {}).get("ApplyServerSideEncryptionByDefault") or {}
        kind = environ.get(_HEADER, rule.get("SSEAlgorithm"))
        key = environ.get(f"{_HEADER}_AWS_KMS_KEY_ID", rule.get("KMSMasterKeyID"))
    if kind != _ENCRYPTED or not key:
        return None
    return ("kms:Decrypt" if call.action == "GetObject" else "kms:GenerateDataKey"), str(key)


def _bucket(account: str, resource: str) -> Any:
    """The bucket that a resource of S3 is in, moto's; None where there is none."""
    return s3_backends[account]["aws"].buckets.get(resource.removeprefix("arn:aws:s3:::").partition("/")[0])
