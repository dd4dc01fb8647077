"""One question to the cluster's DNS, as a pod would ask it."""

from __future__ import annotations

import socket
import struct

from components.node.common.failure import Failure
from components.ports import DNS

_ID = 0x7157
_RECURSION_DESIRED = 0x0100
_RESPONSE = 0x80


def question(name: str) -> bytes:
    """A query for the IPv4 addresses of `name` (RFC 1035, section 4)."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack(">HHHHHH", _ID, _RECURSION_DESIRED, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">HH", 1, 1)


def number_of_answers(response: bytes) -> int:
    """Raises Failure for what is no successful response to `question`."""
    if len(response) < 12:
        raise Failure(f"a response of {len(response)} bytes is no DNS")
    number, kind, code, _, answers = struct.unpack(">HBBHH", response[:8])
    if number != _ID or not kind & _RESPONSE:
        raise Failure("the response belongs to another question")
    if code & 15:
        raise Failure(f"it answered with code {code & 15}")
    return int(answers)


def resolve(server: str, name: str, port: int = DNS, seconds: float = 2) -> None:
    """Raises Failure unless the DNS server at the address `server` knows an address of `name`."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.settimeout(seconds)
        try:
            udp.connect((server, port))
            udp.send(question(name))
            response = udp.recv(512)
        except OSError as error:
            raise Failure(f"DNS at {server} does not answer: {error}") from error
    try:
        answers = number_of_answers(response)
    except Failure as failure:
        raise Failure(f"DNS at {server}, asked for {name}: {failure}") from failure
    if not answers:
        raise Failure(f"DNS at {server} knows no address of {name}")
