"""Questions to DNS, checked with an independent implementation of its messages."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from dnslib import QTYPE, RCODE, RR, A, DNSRecord

from components.node.common.failure import Failure
from components.node.control_plane.cluster_dns import number_of_answers, question, resolve

NAME = "kubernetes.default.svc.cluster.local"


@contextmanager
def dns_server(answer: Callable[[bytes], bytes]) -> Iterator[int]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        udp.settimeout(10)

        def serve() -> None:
            asked, address = udp.recvfrom(512)
            udp.sendto(answer(asked), address)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield udp.getsockname()[1]
        thread.join()


def known(asked: bytes) -> bytes:
    reply = DNSRecord.parse(asked).reply()
    reply.add_answer(RR(NAME, QTYPE.A, rdata=A("10.96.0.1")))
    return bytes(reply.pack())


def refused(asked: bytes) -> bytes:
    reply = DNSRecord.parse(asked).reply()
    reply.header.rcode = RCODE.NXDOMAIN
    return bytes(reply.pack())


def empty(asked: bytes) -> bytes:
    return bytes(DNSRecord.parse(asked).reply().pack())


def of_another(asked: bytes) -> bytes:
    return b"\0\0" + known(asked)[2:]


def test_the_question_is_for_the_address_of_the_name() -> None:
    parsed = DNSRecord.parse(question(NAME))
    assert str(parsed.q.qname).rstrip(".") == NAME
    assert parsed.q.qtype == QTYPE.A
    assert parsed.header.rd == 1


def test_a_name_that_is_known_is_an_answer() -> None:
    with dns_server(known) as port:
        resolve("127.0.0.1", NAME, port)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (refused, f"asked for {NAME}: it answered with code 3"),
        (empty, f"knows no address of {NAME}"),
        (of_another, "belongs to another question"),
        (lambda asked: asked, "belongs to another question"),
        (lambda asked: b"short", "5 bytes is no DNS"),
    ],
)
def test_any_other_answer_is_a_failure_that_names_the_server(answer: Callable[[bytes], bytes], told: str) -> None:
    with dns_server(answer) as port, pytest.raises(Failure, match="DNS at 127") as failed:
        resolve("127.0.0.1", NAME, port)
    assert told in str(failed.value)


def test_silence_is_a_failure() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        with pytest.raises(Failure, match=r"DNS at 127\.0\.0\.1 does not answer: timed out"):
            resolve("127.0.0.1", NAME, udp.getsockname()[1], seconds=0.05)


def test_answers_are_counted() -> None:
    assert number_of_answers(known(question(NAME))) == 1
