"""What a request asks for, as IAM names it: service, action and the resources that it is about (pure)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote

from sandbox.cloud.api.signatures import signature_of
from sandbox.cloud.api.storage_calls import storage_action

_READS = re.compile(r"^(Describe|Get|List|Head|Batch[GD]et|Decode|Lookup|Search)")


@dataclass(frozen=True)
class Call:
    """`name` is `service:Action`, for logs with the path where the service is a REST one; `resources` are ARNs, or `*`
    where the sandbox doesn't tell resources of this call apart."""

    service: str
    action: str
    name: str
    resources: tuple[str, ...]
    signer: str | None
    speaks_json: bool

    @property
    def reads(self) -> bool:
        """Whether the call certainly changes nothing."""
        return bool(_READS.match(self.action))


def call_of(environ: Mapping[str, Any], body: bytes, account: str) -> Call:
    """Reads method, headers and body of a WSGI request. Nothing of the body but the action's name gets into `name`."""
    signed = signature_of(environ)
    signer, region, service = (signed.key, signed.region, signed.service) if signed else (None, "", "unsigned")
    content_type = environ.get("CONTENT_TYPE", "")
    speaks_json = "json" in content_type
    target = environ.get("HTTP_X_AMZ_TARGET")
    if target:
        action = target.rpartition(".")[2]
        return Call(
            service, action, f"{service}:{action}", _named_in(service, region, account, body), signer, speaks_json
        )
    if content_type.startswith("application/x-www-form-urlencoded"):
        told = parse_qs(body.decode("utf-8", "replace"))
        if told.get("Action"):
            action = told["Action"][0]
            resources = _groups_in(service, region, account, action, told)
            return Call(service, action, f"{service}:{action}", resources, signer, speaks_json)
    return _rest_call(environ, service, signer, speaks_json)


def _rest_call(environ: Mapping[str, Any], service: str, signer: str | None, speaks_json: bool) -> Call:
    method, path = environ["REQUEST_METHOD"], unquote(environ.get("PATH_INFO", "/"))
    if service == "s3" and not path.startswith("/v20180820/"):
        bucket, key = _bucket_and_key(environ.get("HTTP_HOST", ""), path)
        action, setting = storage_action(method, bucket, key, environ.get("QUERY_STRING", ""))
        resource = f"arn:aws:s3:::{bucket}" + (f"/{key}" if key else "")
        name = f"s3:{method} {bucket}/{key}" + (f"?{setting}" if setting else "")
        return Call(service, action, name, (resource,), signer, speaks_json)
    action = method.capitalize()
    return Call(service, action, f"{service}:{action} {path}", ("*",), signer, speaks_json)


def _bucket_and_key(host: str, path: str) -> tuple[str, str]:
    virtual = re.match(r"(.+)\.s3[.-][^/]*amazonaws\.com", host)
    if virtual:
        return virtual[1], path.lstrip("/")
    bucket, _, key = path.lstrip("/").partition("/")
    return bucket, key


def _groups_in(service: str, region: str, account: str, action: str, told: Mapping[str, list[str]]) -> tuple[str, ...]:
    """The Auto Scaling group that a change names. Its id, which the request does not say, is `*`."""
    names = told.get("AutoScalingGroupName", [])
    if service != "autoscaling" or _READS.match(action) or not names:
        return ("*",)
    return tuple(f"arn:aws:autoscaling:{region}:{account}:autoScalingGroup:*:autoScalingGroupName/{n}" for n in names)


def _named_in(service: str, region: str, account: str, body: bytes) -> tuple[str, ...]:
    """The parameters that a call to SSM names; a path stands for what is below it."""
    if service != "ssm":
        return ("*",)
    try:
        told = json.loads(body or b"{}")
    except ValueError:
        return ("*",)
    one = next((told[key] for key in ("Name", "Path", "ResourceId") if key in told), None)
    names = told.get("Names") or ([one] if one else [])
    return tuple(f"arn:aws:ssm:{region}:{account}:parameter/{str(name).lstrip('/')}" for name in names) or ("*",)
