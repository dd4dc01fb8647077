"""The IAM action of a request to S3, which has no action's name in it (pure)."""

from __future__ import annotations

from urllib.parse import parse_qsl

_ON_OBJECT = {
    "GET": "GetObject",
    "HEAD": "GetObject",
    "PUT": "PutObject",
    "POST": "PutObject",
    "DELETE": "DeleteObject",
}
_ON_BUCKET = {"GET": "ListBucket", "HEAD": "ListBucket", "PUT": "CreateBucket", "DELETE": "DeleteBucket"}
_LISTING = {"list-type", "prefix", "delimiter", "marker", "x-id", "max-keys", "continuation-token", "start-after"}
# Asked by every SDK, for keys that XML can't hold.
_LISTING |= {"encoding-type"}
_BUCKET_PARTS = {
    ("GET", "location"): "GetBucketLocation",
    ("GET", "uploads"): "ListBucketMultipartUploads",
    ("GET", "versions"): "ListBucketVersions",
    ("GET", "versioning"): "GetBucketVersioning",
    ("PUT", "versioning"): "PutBucketVersioning",
    ("GET", "encryption"): "GetEncryptionConfiguration",
    ("PUT", "encryption"): "PutEncryptionConfiguration",
    ("GET", "lifecycle"): "GetLifecycleConfiguration",
    ("PUT", "lifecycle"): "PutLifecycleConfiguration",
    ("GET", "policy"): "GetBucketPolicy",
    ("PUT", "policy"): "PutBucketPolicy",
    ("DELETE", "policy"): "DeleteBucketPolicy",
    ("GET", "publicAccessBlock"): "GetBucketPublicAccessBlock",
    ("PUT", "publicAccessBlock"): "PutBucketPublicAccessBlock",
    ("GET", "ownershipControls"): "GetBucketOwnershipControls",
    ("PUT", "ownershipControls"): "PutBucketOwnershipControls",
    ("GET", "tagging"): "GetBucketTagging",
    ("PUT", "tagging"): "PutBucketTagging",
}
_OBJECT_PARTS = {
    ("GET", "uploadId"): "ListMultipartUploadParts",
    ("DELETE", "uploadId"): "AbortMultipartUpload",
    ("GET", "versionId"): "GetObjectVersion",
    ("HEAD", "versionId"): "GetObjectVersion",
    ("DELETE", "versionId"): "DeleteObjectVersion",
    ("GET", "tagging"): "GetObjectTagging",
    ("PUT", "tagging"): "PutObjectTagging",
    ("DELETE", "tagging"): "DeleteObjectTagging",
    ("GET", "acl"): "GetObjectAcl",
    ("PUT", "acl"): "PutObjectAcl",
    ("GET", "retention"): "GetObjectRetention",
    ("PUT", "retention"): "PutObjectRetention",
}


def makes_an_object(query: str) -> bool:
    """Whether such a PutObject makes one: the start of a multipart upload and its parts do not."""
    return not {"uploads", "partNumber"} & {name for name, _ in parse_qsl(query, keep_blank_values=True)}


def storage_action(method: str, bucket: str, key: str, query: str) -> tuple[str, str]:
    """The action without `s3:`, and the name of the bucket's setting that is asked for ("" where it is none).

    A setting that is not in the table is `GetBucketSetting`, `PutBucketSetting`, …: no policy allows that but `s3:*`.
    """
    told = [name for name, _ in parse_qsl(query, keep_blank_values=True)]
    parts = _OBJECT_PARTS if key else _BUCKET_PARTS
    for name in told:
        if (method, name) in parts:
            return parts[method, name], "" if key else name
    if key:
        return _ON_OBJECT.get(method, f"{method.capitalize()}Object"), ""
    if not bucket:
        return "ListAllMyBuckets", ""
    setting = next((name for name in told if name not in _LISTING), "")
    if setting:
        return f"{method.capitalize()}BucketSetting", setting
    return _ON_BUCKET.get(method, f"{method.capitalize()}Bucket"), ""
