"""The metadata service answers each machine about itself alone, and only with a token."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import pytest

from sandbox.cloud.metadata import TOKEN_HEADER, TOKEN_TTL_HEADER, Identity, MetadataService


def identity(**changes: object) -> Identity:
    base: dict[str, object] = {
        "instance_id": "i-1",
        "metadata": {"instance-id": "i-1", "public-keys": {"0=me": {"openssh-key": "ssh-ed25519 AAA me"}}},
        "user_data": b"#cloud-config\n",
        "document": {"region": "eu-central-1"},
        "token_required": True,
        "hop_limit": 1,
        "role": "node",
    }
    return Identity(**{**base, **changes})  # type: ignore[arg-type]


@pytest.fixture
def known() -> dict[str, Identity]:
    return {"127.0.0.1": identity()}


@pytest.fixture
def port(known: dict[str, Identity]) -> Iterator[int]:
    listener = socket.create_server(("127.0.0.1", 0))
    service = MetadataService(listener, known.get, lambda role, instance: {"AccessKeyId": f"ASIA-{role}-{instance}"})
    service.start()
    yield listener.getsockname()[1]
    service.stop()


def ask(port: int, method: str, path: str, headers: dict[str, str] | None = None) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request(method, path, headers=headers or {})
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def token(port: int) -> dict[str, str]:
    status, text = ask(port, "PUT", "/latest/api/token", {TOKEN_TTL_HEADER: "60"})
    assert status == 200
    return {TOKEN_HEADER: text}


def test_without_a_token_nothing_is_told(port: int) -> None:
    assert ask(port, "GET", "/latest/meta-data/instance-id")[0] == 401


def test_also_a_refusal_has_a_date_as_on_ec2(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", "/latest")
    told = parsedate_to_datetime(connection.getresponse().headers["Date"])
    assert abs((datetime.now(UTC) - told).total_seconds()) < 5


def test_a_forged_token_is_refused(port: int) -> None:
    assert ask(port, "GET", "/latest/meta-data/instance-id", {TOKEN_HEADER: "forged"})[0] == 401


def test_version_one_works_where_the_instance_allows_it(port: int, known: dict[str, Identity]) -> None:
    known["127.0.0.1"] = identity(token_required=False)
    assert ask(port, "GET", "/latest/meta-data/instance-id") == (200, "i-1")


@pytest.mark.parametrize("seconds", ["", "0", "21601", "soon"])
def test_a_token_needs_a_life_between_one_second_and_six_hours(port: int, seconds: str) -> None:
    assert ask(port, "PUT", "/latest/api/token", {TOKEN_TTL_HEADER: seconds})[0] == 400


def test_a_proxied_request_gets_no_token(port: int) -> None:
    assert ask(port, "PUT", "/latest/api/token", {TOKEN_TTL_HEADER: "60", "X-Forwarded-For": "1.2.3.4"})[0] == 403


def test_another_machines_token_is_worthless(port: int, known: dict[str, Identity]) -> None:
    mine = token(port)
    known["127.0.0.1"] = identity(instance_id="i-2")
    assert ask(port, "GET", "/latest/meta-data/instance-id", mine)[0] == 401


def test_folders_are_listed_as_the_service_lists_them(port: int) -> None:
    mine = token(port)
    assert ask(port, "GET", "/latest/meta-data/", mine) == (200, "instance-id\npublic-keys/\niam/")
    assert ask(port, "GET", "/latest/meta-data/public-keys/", mine) == (200, "0=me")
    assert ask(port, "GET", "/latest/meta-data/public-keys/0/openssh-key", mine)[1].startswith("ssh-ed25519")


def test_credentials_are_those_of_the_machines_own_role(port: int) -> None:
    mine = token(port)
    assert ask(port, "GET", "/latest/meta-data/iam/security-credentials/", mine) == (200, "node")
    assert "ASIA-node-i-1" in ask(port, "GET", "/latest/meta-data/iam/security-credentials/node", mine)[1]
    assert ask(port, "GET", "/latest/meta-data/iam/security-credentials/admin", mine)[0] == 404


def test_user_data_is_returned_as_it_was_given(port: int) -> None:
    assert ask(port, "GET", "/latest/user-data", token(port)) == (200, "#cloud-config\n")


def test_a_stranger_gets_nothing(port: int, known: dict[str, Identity]) -> None:
    known.clear()
    assert ask(port, "PUT", "/latest/api/token", {TOKEN_TTL_HEADER: "60"})[0] == 404
