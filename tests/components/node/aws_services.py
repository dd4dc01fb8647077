"""AWS at one local address: instance metadata, Parameter Store, Auto Scaling, Elastic Load Balancing. It checks
signatures as AWS does.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

REGION = "eu-central-1"
METADATA_TOKEN = "metadata-token=="
KEYS = {"AccessKeyId": "ASIAEXAMPLE", "SecretAccessKey": "se/cret+key", "Token": "session/token+with=signs"}
SECRETS = (KEYS["SecretAccessKey"], KEYS["Token"], METADATA_TOKEN)

Reply = tuple[int, str]


@dataclass
class LocalAws:
    """`parameters` by name. `refusals` are given, first to last, instead of answers to signed calls. The dates of its
    answers are so many seconds `ahead` of this host's clock.
    """

    address: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    refusals: list[Reply] = field(default_factory=list)
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

    @property
    def environment(self) -> dict[str, str]:
        return {
            "METADATA": f"{self.address}/latest",
            "SSM_ENDPOINT": self.address,
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
            assert self.headers["X-aws-ec2-metadata-token-ttl-seconds"]
            self.reply(200, METADATA_TOKEN)

        def do_GET(self) -> None:
            if self.headers["X-aws-ec2-metadata-token"] != METADATA_TOKEN:
                self.reply(401, "")
                return
            text = aws.metadata.get(self.path.removeprefix("/latest/meta-data/"))
            self.reply(404 if text is None else 200, text or "")

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
            if not self.signed_as_aws_checks_it(body, service):
                self.reply(400, '{"__type": "InvalidSignatureException"}')
            elif target:
                self.reply(*aws.parameter_store(target.removeprefix("AmazonSSM."), body))
            else:
                self.reply(*(aws.balancing if balancing else aws.scaling)(query))

        def signed_as_aws_checks_it(self, body: str, service: str) -> bool:
            fields = dict(
                part.strip().split("=", 1) for part in self.headers["Authorization"].split(" ", 1)[1].split(",")
            )
            signed = fields["SignedHeaders"].split(";")
            # AWS refuses a request with an x-amz header, or a host, that is not signed.
            assert {n.lower() for n in self.headers if n.lower().startswith("x-amz-")} | {"host"} <= set(signed)
            request = AWSRequest("POST", f"{aws.address}/", data=body)
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
