"""Whether a request is one that its service would take, by the service's model; refusals in the service's own words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.cloud.api.calls import Call
from sandbox.cloud.api.limits import CODE as NOT_MODELLED
from sandbox.cloud.api.refusals import Refused
from sandbox.cloud.api.validation.constraints import Violation, violations
from sandbox.cloud.api.validation.members import (
    Ec2Members,
    JsonMembers,
    Members,
    QueryMembers,
    Unknown,
    Unreadable,
    XmlMembers,
    rest_members,
)
from sandbox.cloud.api.validation.operations import Asked, operation_of

_REST_CODES = {"route53": "InvalidInput", "s3control": "InvalidRequest"}

# By S3's own patterns a bucket's ARN is none, although the AWS provider asks for buckets' tags by it. By EC2's, no ARN
# of a placement group is one.
_LOOSER_THAN_ITS_PATTERNS = ("ec2", "s3", "s3control")


def check(environ: Mapping[str, Any], body: bytes | None, call: Call) -> None:
    """Raises Refused for what the service's model does not allow. `body` is None where it was too large to look at."""
    asked = operation_of(environ, body or b"", call)
    if asked is None or asked.operation.input_shape is None:
        return
    unknown = Unknown()
    try:
        members = _members(asked, environ, body, unknown)
    except Unreadable as trouble:
        raise Refused(_malformed(asked), str(trouble)) from None
    if unknown:
        raise _unknown(asked, unknown)
    patterns = asked.operation.service_model.service_name not in _LOOSER_THAN_ITS_PATTERNS
    if wrong := violations(members, asked.operation.input_shape, patterns):
        raise _invalid(asked, wrong, bool(body))


def _members(asked: Asked, environ: Mapping[str, Any], body: bytes | None, unknown: Unknown) -> Members:
    shape = asked.operation.input_shape
    if asked.protocol == "ec2":
        return Ec2Members(unknown).read(shape, asked.form)
    if asked.protocol == "query":
        return QueryMembers(unknown).read(shape, asked.form)
    if asked.protocol == "json":
        members: Members = JsonMembers(unknown).read(shape, body or b"")
        return members
    reader = JsonMembers(unknown) if asked.protocol == "rest-json" else XmlMembers(unknown)
    return rest_members(shape, environ, asked.labels or {}, reader.read, body)


def _malformed(asked: Asked) -> str:
    if asked.protocol == "rest-xml":
        return "MalformedXML" if asked.operation.service_model.service_name == "s3" else "MalformedInput"
    return "SerializationException" if "json" in asked.protocol else "MalformedQueryString"


def _unknown(asked: Asked, unknown: Sequence[str]) -> Refused:
    names = ", ".join(unknown)
    if asked.protocol == "ec2":
        return Refused("UnknownParameter", f"The parameter {unknown[0]} is not recognized")
    if asked.protocol == "rest-xml":
        text = f"Invalid XML: invalid content was found: {names} of {asked.operation.name}"
        return Refused(_code(asked, in_body=True), text)
    # AWS drops these, so that nobody hears of a misspelt one.
    text = f"the service knows no {names} of {asked.operation.name}, and would ignore it: refused"
    return Refused(NOT_MODELLED, text)


def _invalid(asked: Asked, wrong: Sequence[Violation], in_body: bool) -> Refused:
    first = wrong[0]
    noted = "; ".join(f"{violation.path}: {violation.demand}" for violation in wrong)
    if asked.protocol == "ec2":
        if first.kind == "missing":
            return Refused("MissingParameter", f"The request must contain the parameter {first.path}", noted=noted)
        value = "" if first.value is None else f" ({first.value})"
        text = f"Value{value} for parameter {_lower(first.path)} is invalid. {first.demand}"
        return Refused("InvalidParameterValue", text, noted=noted)
    if first.kind == "type" and "json" in asked.protocol:
        return Refused("SerializationException", f"{first.path}: {first.demand}", noted=noted)
    errors = f"{len(wrong)} validation error{'s' if len(wrong) > 1 else ''} detected: "
    return Refused(_code(asked, in_body), errors + "; ".join(_said(violation) for violation in wrong), noted=noted)


def _code(asked: Asked, in_body: bool) -> str:
    service = asked.operation.service_model.service_name
    if service == "s3":
        return "MalformedXML" if in_body else "InvalidArgument"
    return _REST_CODES.get(service, "ValidationException" if "json" in asked.protocol else "ValidationError")


def _said(violation: Violation) -> str:
    value = " null" if violation.kind == "missing" else "" if violation.value is None else f" '{violation.value}'"
    path = re.sub(r"\[(\d+)\]", lambda n: f".{int(n[1]) + 1}.member", violation.path)
    return f"Value{value} at '{_lower(path)}' failed to satisfy constraint: {violation.demand}"


def _lower(path: str) -> str:
    return re.sub(r"(?:^|(?<=\.))[A-Z]", lambda initial: initial[0].lower(), path)
