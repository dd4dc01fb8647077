"""Requests as no SDK would send them, signed or not."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any
from unittest import mock
from urllib.parse import urlencode

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from sandbox.cloud.api.server import REGION
from sandbox.tests.cloud.api.account import OPERATOR, Account, Key

VERSIONS = {"autoscaling": "2011-01-01", "ec2": "2016-11-15", "elasticloadbalancing": "2015-12-01", "iam": "2010-05-08"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True)
class Reply:
    status: int
    text: str

    @property
    def code(self) -> str:
        """The error's code, "" where there is none."""
        found = re.search(r'<Code>([^<]+)|"__type": "([^"]+)', self.text)
        return (found[1] or found[2]) if found else ""


def signed(
    account: Account,
    service: str,
    body: bytes,
    headers: Mapping[str, str],
    method: str = "POST",
    path: str = "/",
    key: Key = OPERATOR,
    region: str = REGION,
    late: datetime.timedelta = datetime.timedelta(),
) -> dict[str, str]:
    """`headers` and those of a signature that was made `late` ago."""
    request = AWSRequest(method, f"http://127.0.0.1:{account.api.port}{path}", headers=dict(headers), data=body)
    made = datetime.datetime.now(datetime.UTC) - late
    with mock.patch("botocore.auth.get_current_datetime", return_value=made):
        SigV4Auth(Credentials(*key), service, region).add_auth(request)
    return dict(request.headers.items())


def send(
    account: Account, body: bytes, headers: Mapping[str, str], method: str = "POST", path: str = "/", host: str = ""
) -> Reply:
    connection = HTTPConnection("127.0.0.1", account.api.port, timeout=10)
    connection.request(method, path, body, dict(headers) | ({"Host": host} if host else {}))
    answer = connection.getresponse()
    reply = Reply(answer.status, answer.read().decode())
    connection.close()
    return reply


def ask(account: Account, service: str, action: str, told: Mapping[str, Any]) -> Reply:
    """A call of a query service, with members by their names in the request."""
    body = urlencode({"Action": action, "Version": VERSIONS[service], **told}).encode()
    return send(account, body, signed(account, service, body, FORM))
