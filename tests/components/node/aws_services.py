"""AWS at one local address: instance metadata, Parameter Store, Auto Scaling, Elastic Load Balancing, S3. It checks
signatures as AWS does.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from botocore.auth import S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

REGION = "eu-central-1"
METADATA_TOKEN = "metadata-token=="
KEYS = {"AccessKeyId": "ASIAEXAMPLE", "SecretAccessKey": "se/cret+key", "Token": "session/token+with=signs"}
SECRETS = (KEYS["SecretAccessKey"], KEYS["Token"], METADATA_TOKEN)

_LINGERS_BYTES = 1024**2

Reply = tuple[int, str]


@dataclass(frozen=True)
class Stored:
    """An object as it was put; `headers` by their names in small letters."""

    body: bytes
    headers: Mapping[str, str]


@dataclass
class LocalAws:
    """`parameters` by name; `buckets` by name, with their objects by key. `refusals` are given, first to last, instead
    of answers to signed calls; `lost` is how many PUTs are done but not answered. The dates of its answers are so many
    seconds `ahead` of this host's clock. `offered` are signed addresses and until when they are good; of the next
    objects `torn` are sent in part.
    """

    address: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    buckets: dict[str, dict[str, Stored]] = field(default_factory=dict)
    refusals: list[Reply] = field(default_factory=list)
    lost: int = 0
    scaling: Callable[[dict[str, str]], Reply] = lambda query: (400, "no groups here")
    balancing: Callable[[dict[str, str]], Reply] = lambda query: (400, "no load balancers here")
    metadata: dict[str, str] = field(
        default_factory=lambda: {
            "placement/region": REGION,
            "placement/availability-zone": "eu-central-1b",
            "instance-id": "i-0abc",
            "iam/security-credentials/": "nodes",
            "iam/security-credentials/nodes": json.dumps(KEYS),
        }
    )
    calls: list[str] = field(default_factory=list)
    ahead: float = 0
    offered: dict[str, float] = field(default_factory=dict)
    torn: int = 0

    @property
    def environment(self) -> dict[str, str]:
        return {
            "METADATA": f"{self.address}/latest",
            "SSM_ENDPOINT": self.address,
            "S3_ENDPOINT": self.address,
            "AUTOSCALING_ENDPOINT": self.address,
            "ELASTICLOADBALANCING_ENDPOINT": self.address,
        }

    def parameter_store(self, action: str, body: str) -> Reply:
        asked = json.loads(body)
        if action == "PutParameter":
            assert asked["Type"] == "SecureString"
            assert asked["Overwrite"] is True
            self.parameters[asked["Name"]] = asked["Value"]
            return 200, '{"Version": 1}'
        assert asked["WithDecryption"] is True
        if asked["Name"] not in self.parameters:
            return 400, '{"__type": "ParameterNotFound"}'
        value = {"Name": asked["Name"], "Value": self.parameters[asked["Name"]]}
        return 200, json.dumps({"Parameter": value})

    def offer(self, bucket: str, key: str, seconds: int = 900) -> str:
        """The address of an object, signed as the AWS SDKs do, with temporary credentials."""
        request = AWSRequest("GET", f"{self.address}/{bucket}/{key}")
        credentials = Credentials(KEYS["AccessKeyId"], KEYS["SecretAccessKey"], KEYS["Token"])
        S3SigV4QueryAuth(credentials, "s3", REGION, expires=seconds).add_auth(request)
        self.offered[str(request.url)] = time.time() + seconds
        return str(request.url)

    def get_object(self, path: str) -> tuple[int, bytes]:
        good_until = self.offered.get(f"{self.address}{path}")
        if good_until is None:
            return _refused(403, "SignatureDoesNotMatch", f"The request signature we calculated is not that of {path}")
        if good_until < time.time():
            return _refused(403, "AccessDenied", "Request has expired")
        bucket, _, key = unquote(urlsplit(path).path).removeprefix("/").partition("/")
        found = self.buckets.get(bucket, {}).get(key)
        return (200, found.body) if found else _refused(404, "NoSuchKey", "The specified key does not exist.")

    def put_object(self, path: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        bucket, _, key = path.removeprefix("/").partition("/")
        if bucket not in self.buckets:
            return s3_refusal(404, "NoSuchBucket", "The specified bucket does not exist")
        if hashlib.sha256(body).hexdigest() != headers["x-amz-content-sha256"]:
            return s3_refusal(400, "XAmzContentSHA256Mismatch", "the body is another one")
        # As the bucket's policy demands.
        if headers.get("if-none-match") != "*":
            return s3_refusal(403, "AccessDenied", "explicit deny in a resource-based policy")
        if key in self.buckets[bucket]:
            return s3_refusal(
                412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold"
            )
        self.buckets[bucket][key] = Stored(body, headers)
        return 200, ""


def s3_refusal(status: int, code: str, message: str) -> Reply:
    return status, f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message></Error>"


def _refused(status: int, code: str, message: str) -> tuple[int, bytes]:
    status, text = s3_refusal(status, code, message)
    return status, text.encode()


@contextmanager
def local_aws() -> Iterator[LocalAws]:
    aws = LocalAws()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(aws))
    aws.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield aws
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def aws_of_this_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalAws]:
    """Local AWS that the node program finds by this process's environment."""
    with local_aws() as aws:
        for name, value in aws.environment.items():
            monkeypatch.setenv(name, value)
        yield aws


def _handler(aws: LocalAws) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            if self.path == "/latest/api/token":
                assert self.headers["X-aws-ec2-metadata-token-ttl-seconds"]
                self.reply(200, METADATA_TOKEN)
                return
            aws.calls.append(f"PUT {self.path}")
            if aws.refusals:
                # Before it has read what comes, as S3 does.
                self.close_connection = True
                self.reply(*aws.refusals.pop(0))
                # What fits between two programs is taken all the same: else a slow client loses the answer with it.
                if (left := int(self.headers["Content-Length"])) < _LINGERS_BYTES:
                    self.rfile.read(left)
                return
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if not self.signed_as_aws_checks_it("PUT", body, "s3"):
                self.reply(*s3_refusal(403, "SignatureDoesNotMatch", f"signed was {dict(self.headers)}"))
                return
            answer = aws.put_object(self.path, body, {name.lower(): value for name, value in self.headers.items()})
            if aws.lost:
                aws.lost -= 1
                self.close_connection = True
                return
            self.reply(*answer)

        def do_GET(self) -> None:
            if "X-Amz-Signature" in self.path:
                self.get_object()
                return
            if self.headers["X-aws-ec2-metadata-token"] != METADATA_TOKEN:
                self.reply(401, "")
                return
            text = aws.metadata.get(self.path.removeprefix("/latest/meta-data/"))
            self.reply(404 if text is None else 200, text or "")

        def get_object(self) -> None:
            aws.calls.append(f"GET {urlsplit(self.path).path}")
            status, body = aws.get_object(self.path)
            if aws.refusals:
                status, text = aws.refusals.pop(0)
                body = text.encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if aws.torn:
                aws.torn -= 1
                body, self.close_connection = body[: len(body) // 2], True
            self.wfile.write(body)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            target = self.headers["X-Amz-Target"]
            aws.calls.append(f"{target or ''} {body}".strip())
            if aws.refusals:
                self.reply(*aws.refusals.pop(0))
                return
            query = {} if target else {name: value for name, (value,) in parse_qs(body, strict_parsing=True).items()}
            balancing = query.get("Version") == "2015-12-01"
            service = "ssm" if target else "elasticloadbalancing" if balancing else "autoscaling"
            if not self.signed_as_aws_checks_it("POST", body.encode(), service):
                self.reply(400, '{"__type": "InvalidSignatureException"}')
            elif target:
                self.reply(*aws.parameter_store(target.removeprefix("AmazonSSM."), body))
            else:
                self.reply(*(aws.balancing if balancing else aws.scaling)(query))

        def signed_as_aws_checks_it(self, method: str, body: bytes, service: str) -> bool:
            fields = dict(
                part.strip().split("=", 1) for part in self.headers["Authorization"].split(" ", 1)[1].split(",")
            )
            signed = fields["SignedHeaders"].split(";")
            # AWS refuses a request with an x-amz header, or a host, that is not signed.
            assert {n.lower() for n in self.headers if n.lower().startswith("x-amz-")} | {"host"} <= set(signed)
            request = AWSRequest(method, f"{aws.address}{urlsplit(self.path).path}", data=body)
            for name in signed:
                request.headers[name] = self.headers[name]
            request.context["timestamp"] = self.headers["X-Amz-Date"]
            signer = SigV4Auth(Credentials(KEYS["AccessKeyId"], KEYS["SecretAccessKey"]), service, REGION)
            text = signer.string_to_sign(request, signer.canonical_request(request))
            return fields["Signature"] == str(signer.signature(text, request))

        def reply(self, status: int, text: str) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def date_time_string(self, timestamp: float | None = None) -> str:
            return super().date_time_string(time.time() + aws.ahead)

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler
