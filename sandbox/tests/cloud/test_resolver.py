"""The resolver answers from what it is given, and survives nonsense."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from dnslib import DNSRecord

from sandbox.cloud.resolver import Resolver

RECORDS = {"api.education.quorate.internal": [("A", 30, "10.20.0.10")], "empty.internal": []}


@pytest.fixture
def server() -> Iterator[tuple[str, int]]:
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    opened.bind(("127.0.0.1", 0))
    resolver = Resolver([], lambda source, name: RECORDS.get(name))
    resolver.add(opened)
    yield opened.getsockname()
    resolver.stop()


def query(server: tuple[str, int], name: str, kind: str = "A") -> DNSRecord:
    return DNSRecord.parse(DNSRecord.question(name, kind).send(server[0], server[1], timeout=5))


def test_a_known_name_has_its_address_and_lifetime(server: tuple[str, int]) -> None:
    answer = query(server, "api.education.quorate.internal")
    assert [(str(r.rdata), r.ttl) for r in answer.rr] == [("10.20.0.10", 30)]


def test_names_are_compared_without_case(server: tuple[str, int]) -> None:
    assert len(query(server, "API.Education.quorate.internal").rr) == 1


def test_an_unknown_name_does_not_exist(server: tuple[str, int]) -> None:
    assert query(server, "nowhere.example").header.rcode == 3


def test_a_name_without_such_a_record_exists_but_is_empty(server: tuple[str, int]) -> None:
    answer = query(server, "api.education.quorate.internal", "AAAA")
    assert (answer.header.rcode, answer.rr) == (0, [])


def test_nonsense_does_not_end_the_service(server: tuple[str, int]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"\x00nonsense", server)
    assert len(query(server, "api.education.quorate.internal").rr) == 1
