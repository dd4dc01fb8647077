"""AWS as this machine's role may call it: instance metadata, signed calls, Parameter Store.

The boot runs it before any file is on the machine: it imports nothing that can't travel along (see boot/host_key.py).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from components.node.common.failure import Failure
from components.node.common.https import request

METADATA = "http://169.254.169.254/latest"
_MESSAGE_LENGTH = 300


@dataclass(frozen=True)
class Credentials:
    """Of the instance's role. Shown nowhere."""

    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    token: str = field(repr=False)


def metadata(path: str) -> str:
    """An answer of the instance metadata service, such as of "meta-data/instance-id". Raises Failure."""
    base = os.environ.get("METADATA", METADATA)
    url = f"{base}/api/token"
    asked = {"X-aws-ec2-metadata-token-ttl-seconds": "300"}
    token = request(url, method="PUT", headers=asked).expected(url)
    url = f"{base}/{path}"
    return request(url, headers={"X-aws-ec2-metadata-token": token}).expected(url)


def role_credentials() -> Credentials:
    """Raises Failure where the instance has no role, or its role no credentials yet."""
    role = metadata("meta-data/iam/security-credentials/").strip()
    answer = _read_json(metadata(f"meta-data/iam/security-credentials/{role}"), f"the credentials of role {role}")
    try:
        return Credentials(answer["AccessKeyId"], answer["SecretAccessKey"], answer["Token"])
    except KeyError as error:
        raise Failure(f"the role {role} has no credentials: {answer.get('Code', 'without a reason')}") from error


def signed_headers(
    url: str,
    body_digest: str,
    headers: Mapping[str, str],
    service: str,
    region: str,
    credentials: Credentials,
    moment: time.struct_time,
    method: str = "POST",
) -> dict[str, str]:
    """`headers` and those that sign all of them: AWS Signature Version 4, for a URL without a query.

    `body_digest` is the body's SHA-256, in hexadecimal.
    """
    address = urlsplit(url)
    timestamp = time.strftime("%Y%m%dT%H%M%SZ", moment)
    sent = {**headers, "X-Amz-Date": timestamp}
    if credentials.token:
        sent["X-Amz-Security-Token"] = credentials.token
    values = sorted((name.lower(), value.strip()) for name, value in {**sent, "Host": address.netloc}.items())
    names = ";".join(name for name, _ in values)
    canonical = "\n".join(
        [
            method,
            address.path or "/",
            "",
            *(f"{name}:{value}" for name, value in values),
            "",
            names,
            body_digest,
        ]
    )
    scope = f"{timestamp[:8]}/{region}/{service}/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{timestamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = f"AWS4{credentials.secret_key}".encode()
    for part in [*scope.split("/"), text]:
        key = hmac.digest(key, part.encode(), "sha256")
    sent["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={credentials.access_key}/{scope}, SignedHeaders={names}, Signature={key.hex()}"
    )
    return sent


def call(service: str, action: str, body: str, content_type: str, target: str = "", secrets: Sequence[str] = ()) -> str:
    """The answer of AWS to a signed POST. Raises Failure with AWS's own reason, never with one of `secrets`.

    SERVICE_ENDPOINT in the environment replaces the service's address.
    """
    region = metadata("meta-data/placement/region").strip()
    credentials = role_credentials()
    endpoint = os.environ.get(f"{service.upper()}_ENDPOINT") or f"https://{service}.{region}.amazonaws.com"
    url = f"{endpoint}/"
    headers = {"Content-Type": content_type, **({"X-Amz-Target": target} if target else {})}
    data = body.encode()
    signed = signed_headers(url, hashlib.sha256(data).hexdigest(), headers, service, region, credentials, time.gmtime())
    answer = request(url, body=data, headers=signed, method="POST", seconds=10)
    if answer.status != 200:
        raise Failure(
            f"{service} {action} was refused with {answer.status}: {reason(answer.text, credentials, secrets)}"
        )
    return answer.text


def get_parameter(name: str) -> str:
    """The value of a parameter, decrypted. Raises Failure."""
    answer = parameter_store("GetParameter", {"Name": name, "WithDecryption": True})
    try:
        return str(_read_json(answer, f"ssm GetParameter {name}")["Parameter"]["Value"])
    except (KeyError, TypeError) as error:
        raise Failure(f"ssm GetParameter answered without a value for {name}") from error


def parameter_store(action: str, parameter: Mapping[str, object], secrets: Sequence[str] = ()) -> str:
    """The answer of Systems Manager to `action` on one parameter. Raises Failure, never with one of `secrets`."""
    called = f"{action} {parameter['Name']}"
    return call("ssm", called, json.dumps(parameter), "application/x-amz-json-1.1", f"AmazonSSM.{action}", secrets)


def reason(text: str, credentials: Credentials, secrets: Sequence[str] = ()) -> str:
    """AWS's code and message, of its JSON or its XML, without any secret."""
    # A refused signature is answered with all that was signed, the session's token too.
    for secret in filter(None, [credentials.token, credentials.secret_key, *secrets]):
        text = text.replace(secret, "(hidden)")
    code = re.search(r'"__type"\s*:\s*"(?:[^"]*#)?([^"#]+)"|<Code>([^<]+)</Code>', text)
    message = re.search(r'"[Mm]essage"\s*:\s*"((?:[^"\\]|\\.)*)"|<Message>([^<]*)</Message>', text)
    if code is None:
        return text.strip()[:_MESSAGE_LENGTH] or "no reason given"
    said = (message[1] or message[2] or "")[:_MESSAGE_LENGTH] if message else ""
    return f"{code[1] or code[2]}{': ' if said else ''}{said}"


def _read_json(text: str, what: str) -> dict[str, Any]:
    try:
        answer = json.loads(text)
    except ValueError as error:
        raise Failure(f"{what} came as something else than JSON") from error
    if not isinstance(answer, dict):
        raise Failure(f"{what} came as something else than an object")
    return answer
