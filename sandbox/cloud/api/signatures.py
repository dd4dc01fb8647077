"""AWS Signature Version 4 of a request, in its headers or in its query, recomputed by botocore's signer (pure)."""

from __future__ import annotations

import datetime
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

_ALGORITHM = "AWS4-HMAC-SHA256"
_TIMESTAMP = "%Y%m%dT%H%M%SZ"
_UNSIGNED = "UNSIGNED-PAYLOAD"
# What the services of AWS allow; S3 says 15 in its reference, IAM's user guide says 5 of the others.
_SKEW = {"s3": datetime.timedelta(minutes=15)}
_USUAL_SKEW = datetime.timedelta(minutes=5)
_HOST = re.compile(
    r"(?:^|\.)(?P<service>[a-z0-9-]+)(?:\.dualstack)?(?:\.(?P<region>[a-z]{2}(?:-[a-z]+)+-\d))?"
    r"\.(?:amazonaws\.com|api\.aws)(?::\d+)?$"
)
_SIGNED_AS = {name: name for name in ("autoscaling", "ec2", "elasticloadbalancing", "iam", "kms", "route53")}
_SIGNED_AS |= {"s3": "s3", "s3-control": "s3", "ssm": "ssm", "sts": "sts"}


# Of a signed address.
_LONGEST_SECONDS = 7 * 24 * 3600


class Mismatch(Exception):
    """The signature is not one of this request; `kind` is `signature`, `time`, `scope` or `body`, and of S3's signed
    addresses also `denied`, `parameters` or `both`.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True)
class Signature:
    """What a request says of its signature. `seconds` is how long a signed address is good for, -1 where it does
    not say so, None in headers.
    """

    key: str
    date: str
    region: str
    service: str
    headers: tuple[str, ...]
    value: str
    timestamp: str
    token: str
    seconds: int | None = None

    def verify(
        self, environ: Mapping[str, Any], body: bytes | None, secret: str, now: datetime.datetime | None = None
    ) -> None:
        """Raises Mismatch. `body` is None where it was too large to look at."""
        if self._is_address_of_s3:
            self._check_address(environ)
        self._check_time(now or datetime.datetime.now(datetime.UTC))
        self._check_scope(environ.get("HTTP_HOST", ""))
        if "host" not in self.headers:
            raise Mismatch("signature", "'Host' must be a 'SignedHeader' in the AWS Authorization.")
        if self._expected(environ, self._payload(environ, body), secret) != self.value:
            raise Mismatch(
                "signature",
                "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
                "Access Key and signing method. Consult the service documentation for details.",
            )

    @property
    def _is_address_of_s3(self) -> bool:
        return self.seconds is not None and self.service == "s3"

    def _check_address(self, environ: Mapping[str, Any]) -> None:
        seconds = self.seconds or 0
        if "HTTP_AUTHORIZATION" in environ:
            raise Mismatch("both", "Only one auth mechanism allowed: the query has another one than the header")
        if seconds < 0:
            raise Mismatch("parameters", "X-Amz-Expires should be a number")
        if seconds > _LONGEST_SECONDS:
            raise Mismatch("parameters", f"X-Amz-Expires must be less than a week, that is {_LONGEST_SECONDS} seconds")
        sent = (name.removeprefix("HTTP_").replace("_", "-").lower() for name in environ if name.startswith("HTTP_"))
        unsigned = sorted(name for name in sent if name.startswith("x-amz-") and name not in self.headers)
        if unsigned:
            raise Mismatch(
                "denied", f"There were headers present in the request which were not signed: {', '.join(unsigned)}"
            )

    def _check_time(self, now: datetime.datetime) -> None:
        try:
            made = datetime.datetime.strptime(self.timestamp, _TIMESTAMP).replace(tzinfo=datetime.UTC)
        except ValueError:
            raise Mismatch("signature", "Date must be in ISO-8601 'basic format'") from None
        if self.timestamp[:8] != self.date:
            raise Mismatch("signature", "Date in Credential scope does not match YYYYMMDD from the request's date")
        skew = _SKEW.get(self.service, _USUAL_SKEW)
        life = skew if self.seconds is None else datetime.timedelta(seconds=self.seconds)
        if self._is_address_of_s3:
            if made > now + skew:
                raise Mismatch("denied", "Request is not valid yet")
            if now >= made + life:
                raise Mismatch("denied", "Request has expired")
            return
        minutes, at = int(skew.total_seconds() / 60), now.strftime(_TIMESTAMP)
        if made > now + skew:
            latest = (now + skew).strftime(_TIMESTAMP)
            text = f"Signature not yet current: {self.timestamp} is still later than {latest} ({at} + {minutes} min.)"
            raise Mismatch("time", text)
        if made < now - life:
            earliest = (now - life).strftime(_TIMESTAMP)
            text = f"Signature expired: {self.timestamp} is now earlier than {earliest} ({at} - {minutes} min.)"
            raise Mismatch("time", text)

    def _check_scope(self, host: str) -> None:
        named = _HOST.search(host)
        service = _SIGNED_AS.get(named["service"]) if named else None
        if named is None or service is None:
            return
        if service != self.service:
            raise Mismatch("scope", f"Credential should be scoped to correct service: '{service}'.")
        region = named["region"] or ("us-east-1" if service in ("iam", "route53", "sts") else self.region)
        if region != self.region:
            raise Mismatch("scope", f"Credential should be scoped to a valid region, not '{self.region}'.")

    def _payload(self, environ: Mapping[str, Any], body: bytes | None) -> str:
        if self.seconds is not None and self.service == "s3":
            return _UNSIGNED
        told = str(environ.get("HTTP_X_AMZ_CONTENT_SHA256", ""))
        if body is None:
            return told
        digest = hashlib.sha256(body).hexdigest()
        if re.fullmatch(r"[0-9a-f]{64}", told) and told != digest:
            raise Mismatch("body", "The provided 'x-amz-content-sha256' header does not match what was computed.")
        return told or digest

    def _expected(self, environ: Mapping[str, Any], payload: str, secret: str) -> str:
        signer = (_S3Signer if self.service == "s3" else _Signer)(
            Credentials(self.key, secret), self.service, self.region
        )
        address = environ.get("RAW_URI") or environ.get("PATH_INFO", "/")
        request = AWSRequest(environ["REQUEST_METHOD"], f"https://signed{address}")
        for name in self.headers:
            # WSGI reads the bytes of a header as Latin-1; they are signed as they are.
            request.headers[name] = environ.get(_variable(name), "").encode("latin-1").decode("utf-8", "replace")
        request.context.update(timestamp=self.timestamp, payload=payload)
        return str(signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request))


def signature_of(environ: Mapping[str, Any]) -> Signature | None:
    """None where the request is not signed, or not by a Signature of Version 4."""
    header = environ.get("HTTP_AUTHORIZATION", "")
    query = dict(parse_qsl(environ.get("QUERY_STRING", "")))
    if query.get("X-Amz-Algorithm") == _ALGORITHM:
        told = {name: query.get(f"X-Amz-{name}", "") for name in ("Credential", "SignedHeaders", "Signature")}
        timestamp, token = query.get("X-Amz-Date", ""), query.get("X-Amz-Security-Token", "")
        seconds = int(query["X-Amz-Expires"]) if query.get("X-Amz-Expires", "").isdecimal() else -1
    elif header.startswith(_ALGORITHM):
        told = dict(re.findall(r"(\w+)=([^,\s]+)", header))
        timestamp, token, seconds = (
            environ.get("HTTP_X_AMZ_DATE", ""),
            environ.get("HTTP_X_AMZ_SECURITY_TOKEN", ""),
            None,
        )
    else:
        return None
    scope = told.get("Credential", "").split("/")
    if len(scope) != 5:
        return None
    headers = tuple(filter(None, told.get("SignedHeaders", "").split(";")))
    key, date, region, service, _ = scope
    return Signature(key, date, region, service, headers, told.get("Signature", ""), timestamp, token, seconds)


class _Signer(SigV4Auth):  # type: ignore[misc]
    """Signs what the client says that it has signed."""

    def headers_to_sign(self, request: AWSRequest) -> Any:
        return request.headers

    def canonical_query_string(self, request: AWSRequest) -> str:
        told = parse_qsl(urlsplit(request.url).query, keep_blank_values=True)
        quoted = sorted((quote(k, safe="-_.~"), quote(v, safe="-_.~")) for k, v in told if k != "X-Amz-Signature")
        return "&".join(f"{name}={value}" for name, value in quoted)

    def payload(self, request: AWSRequest) -> str:
        return str(request.context["payload"])


class _S3Signer(_Signer, S3SigV4Auth):  # type: ignore[misc]
    """S3's paths are signed as they are."""


def _variable(header: str) -> str:
    name = header.upper().replace("-", "_")
    return name if name in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{name}"
