"""The VPC's resolver: private zones, machine names, and the names of the internet that the sandbox serves."""

from __future__ import annotations

import contextlib
import logging
import socket
import struct
import threading
from collections.abc import Callable

from dnslib import QTYPE, RCODE, RR, A, DNSRecord

_log = logging.getLogger(__name__)

Lookup = Callable[[str, str], "list[tuple[str, int, str]] | None"]
"""(source address, name) → records as (type, ttl in seconds, value); [] where the name has none, None where unknown."""


class Resolver:
    """Answers on the given sockets (datagram or listening stream) until `stop`."""

    def __init__(self, sockets: list[socket.socket], look_up: Lookup) -> None:
        self._sockets = sockets
        self._look_up = look_up
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
        records = self._look_up(source, name)
        if kind not in ("A", "AAAA", "CNAME", "ANY", "TXT", "SOA", "NS", "MX", "PTR", "HTTPS", "SRV"):
            reply.header.rcode = RCODE.REFUSED
        elif records is None:
            reply.header.rcode = RCODE.NXDOMAIN
        else:
            for record_type, ttl, value in records:
                if record_type == "A" and kind in ("A", "ANY"):
                    reply.add_answer(RR(query.q.qname, QTYPE.A, rdata=A(value), ttl=ttl))
        return bytes(reply.pack())

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
