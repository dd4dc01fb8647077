"""The resolver answers from what it is given, and survives nonsense."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from dnslib import DNSRecord

from sandbox.cloud.resolver import Authority, Found, Resolver

RECORDS = {"api.education.quorate.internal": [("A", 30, "10.20.0.10")], "empty.internal": []}
SOA = "ns-1536.awsdns-00.co.uk. awsdns-hostmaster.amazon.com. 1 7200 900 1209600"
ZONE = Authority("education.quorate.internal.", 900, f"{SOA} 86400")


@pytest.fixture
def server() -> Iterator[tuple[str, int]]:
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    opened.bind(("127.0.0.1", 0))
    resolver = Resolver([], lambda source, name: Found(RECORDS.get(name)))
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


@dataclass
class Region:
    """Two VPCs whose machines have the VPC's name for an address, and a clock that stands."""

    zone: Authority | None = ZONE
    names: set[str] = field(default_factory=set)
    now: float = 1000.0

    def __post_init__(self) -> None:
        self._resolver = Resolver([], self._look_up, lambda: self.now)

    def ask(self, name: str, vpc: str = "vpc-1", kind: str = "A") -> DNSRecord:
        return DNSRecord.parse(self._resolver.answer(bytes(DNSRecord.question(name, kind).pack()), vpc))

    def _look_up(self, source: str, name: str) -> Found:
        return Found([("A", 60, "10.20.0.10")] if name in self.names else None, source, self.zone)


API = "api.education.quorate.internal"


def test_a_name_that_was_asked_for_too_early_does_not_exist_for_five_minutes_for_the_whole_vpc() -> None:
    region = Region()
    assert region.ask(API).header.rcode == 3
    region.names.add(API)
    region.now += 299
    assert region.ask(API).header.rcode == 3
    assert region.ask(API.upper(), kind="AAAA").header.rcode == 3, "it is the name that is not there"
    assert len(region.ask(API, vpc="vpc-2").rr) == 1, "nobody of this VPC has asked"
    region.now += 1
    assert len(region.ask(API).rr) == 1


def test_a_name_that_was_there_when_it_was_asked_for_is_not_remembered() -> None:
    region = Region(names={API})
    assert len(region.ask(API).rr) == 1
    region.names.clear()
    assert region.ask(API).header.rcode == 3


def test_the_zones_soa_says_for_how_long_there_is_nothing() -> None:
    region = Region()
    (start,) = region.ask(API).auth
    assert (str(start.rname), start.ttl) == ("education.quorate.internal.", 300)
    assert str(start.rdata) == f"{SOA} 86400"
    region.now += 200
    assert region.ask(API).auth[0].ttl == 100


def test_a_soa_with_a_shorter_time_is_kept_to() -> None:
    region = Region(Authority("education.quorate.internal.", 900, f"{SOA} 5"))
    region.ask(API)
    region.names.add(API)
    region.now += 5
    assert len(region.ask(API).rr) == 1


def test_a_record_of_another_kind_is_said_to_be_missing_with_the_soa_too() -> None:
    answer = Region(names={API}).ask(API, kind="AAAA")
    assert (answer.header.rcode, answer.rr, len(answer.auth)) == (0, [], 1)


def test_what_a_stranger_asks_is_not_remembered() -> None:
    region = Region(zone=None)
    assert region.ask(API, vpc="").header.rcode == 3
    region.names.add(API)
    assert len(region.ask(API, vpc="").rr) == 1
