"""The VPC's resolver: private zones, machine names, and the names of the internet that the sandbox serves.

As on AWS, it remembers for the whole VPC that a name does not exist, whoever asked first, and also when it has got a
record since (https://github.com/aws/aws-app-mesh-roadmap/issues/221).
"""

from __future__ import annotations

import contextlib
import logging
import socket
import struct
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dnslib import QTYPE, RCODE, RR, SOA, A, DNSRecord

_MOST_ABSENT_SECONDS = 300

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Authority:
    """A private zone's SOA record: zone, seconds, and value as Route 53 has it, seven fields."""

    zone: str
    ttl: int
    value: str

    @property
    def absent_seconds(self) -> int:
        """How long it may be remembered that a name is not in the zone: RFC 2308, section 5."""
        return min(self.ttl, int(self.value.split()[-1]))


@dataclass(frozen=True)
class Found:
    """What there is of a name. `records` are (type, ttl in seconds, value): [] where it has none, None where there is
    no such name. `vpc` is that of who asked, empty for a stranger; `authority` that of the private zone it is in.
    """

    records: Sequence[tuple[str, int, str]] | None
    vpc: str = ""
    authority: Authority | None = None


Lookup = Callable[[str, str], Found]
"""(source address, name) → what there is of it now."""


class Resolver:
    """Answers on the given sockets (datagram or listening stream) until `stop`. `clock` counts seconds."""

    def __init__(
        self, sockets: list[socket.socket], look_up: Lookup, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._sockets = sockets
        self._look_up = look_up
        self._clock = clock
        self._absent: dict[tuple[str, str], tuple[float, Found]] = {}
        self._remembering = threading.Lock()
        self._stopped = threading.Event()

    def start(self) -> None:
        for opened in self._sockets:
            self.add(opened)

    def add(self, opened: socket.socket) -> None:
        serve = self._serve_datagrams if opened.type == socket.SOCK_DGRAM else self._serve_streams
        threading.Thread(target=serve, args=(opened,), name="resolver", daemon=True).start()
        if opened not in self._sockets:
            self._sockets.append(opened)

    def stop(self) -> None:
        self._stopped.set()
        for opened in self._sockets:
            with contextlib.suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)
            opened.close()

    def answer(self, request: bytes, source: str) -> bytes:
        """The reply to one query; REFUSED for anything but a question of class IN."""
        query = DNSRecord.parse(request)
        reply = query.reply()
        name, kind = str(query.q.qname).rstrip(".").lower(), QTYPE[query.q.qtype]
        found, seconds = self._found(source, name)
        if kind not in ("A", "AAAA", "CNAME", "ANY", "TXT", "SOA", "NS", "MX", "PTR", "HTTPS", "SRV"):
            reply.header.rcode = RCODE.REFUSED
        else:
            reply.header.rcode = RCODE.NXDOMAIN if found.records is None else RCODE.NOERROR
            for record_type, ttl, value in found.records or ():
                if record_type == "A" and kind in ("A", "ANY"):
                    reply.add_answer(RR(query.q.qname, QTYPE.A, rdata=A(value), ttl=ttl))
            if not reply.rr and found.authority:
                reply.add_auth(_start_of(found.authority, seconds))
        return bytes(reply.pack())

    def _found(self, source: str, name: str) -> tuple[Found, int]:
        """What there is of a name, or was when somebody of the VPC asked for it in vain; for how many seconds that
        nothing is there may be remembered.
        """
        now, found = self._clock(), self._look_up(source, name)
        seconds = min(_MOST_ABSENT_SECONDS, found.authority.absent_seconds if found.authority else _MOST_ABSENT_SECONDS)
        with self._remembering:
            self._absent = {key: known for key, known in self._absent.items() if known[0] > now}
            if known := self._absent.get((found.vpc, name)):
                return known[1], int(known[0] - now)
            if found.records is None and found.vpc:
                self._absent[found.vpc, name] = (now + seconds, found)
        return found, seconds

    def _serve_datagrams(self, opened: socket.socket) -> None:
        while not self._stopped.is_set():
            try:
                request, source = opened.recvfrom(4096)
                opened.sendto(self.answer(request, source[0]), source)
            except OSError:
                if self._stopped.is_set() or opened.fileno() < 0:
                    return
            except Exception as problem:  # a malformed query must not end the service
                _log.info("a query from the VPC could not be answered: %r", problem)

    def _serve_streams(self, opened: socket.socket) -> None:
        while not self._stopped.is_set():
            try:
                connection, source = opened.accept()
            except OSError:
                return
            threading.Thread(target=self._serve_stream, args=(connection, source[0]), daemon=True).start()

    def _serve_stream(self, connection: socket.socket, source: str) -> None:
        with connection:
            connection.settimeout(10)
            try:
                while size := connection.recv(2):
                    request = connection.recv(struct.unpack("!H", size)[0])
                    reply = self.answer(request, source)
                    connection.sendall(struct.pack("!H", len(reply)) + reply)
            except (OSError, struct.error):
                return


def _start_of(authority: Authority, seconds: int) -> RR:
    server, mailbox, *times = authority.value.split()
    start = SOA(server, mailbox, times=[int(each) for each in times])
    return RR(authority.zone, QTYPE.SOA, rdata=start, ttl=seconds)
