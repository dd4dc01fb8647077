"""The messages that a machine overhears, as a real TLS library writes them."""

from __future__ import annotations

import ast
import socket
import ssl
import struct
import sys
from pathlib import Path

import pytest

from operations.smoke import on_machine
from operations.smoke.on_machine import hellos

NODE = "10.20.32.11"


def hello(name: str | None, newest: ssl.TLSVersion) -> bytes:
    """What a client sends first."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = newest
    context.set_ciphers("ECDHE-RSA-AES128-GCM-SHA256")
    sent = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), sent, server_hostname=name)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return sent.read()


def packet(data: bytes, source: str = NODE, port: int = 6443) -> bytes:
    """A packet of IPv4 and TCP."""
    tcp = struct.pack(">HHIIBBHHH", 40000, port, 0, 0, 5 << 4, 0x18, 0, 0, 0) + data
    addresses = socket.inet_aton(source) + socket.inet_aton("10.20.32.10")
    return struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0) + addresses + tcp


def test_a_check_without_a_name_is_told_from_a_client_with_one() -> None:
    (check,) = hellos(packet(hello(None, ssl.TLSVersion.TLSv1_2)), 6443, {NODE})
    assert (check["versions"], check["names_server"]) == (["1.2"], False)
    assert "c02f" in check["suites"]
    (client,) = hellos(packet(hello("api.test", ssl.TLSVersion.TLSv1_3)), 6443, {NODE})
    assert (client["versions"], client["names_server"]) == (["1.2", "1.3"], True)


def test_other_packets_are_passed_over() -> None:
    first = hello(None, ssl.TLSVersion.TLSv1_2)
    assert list(hellos(packet(first, source="10.20.64.9"), 6443, {NODE})) == []
    assert list(hellos(packet(first, port=443), 6443, {NODE})) == []
    assert list(hellos(packet(b""), 6443, {NODE})) == []
    assert list(hellos(packet(b"\x17\x03\x03\x00\x05data."), 6443, {NODE})) == []
    for length in range(len(packet(first))):
        list(hellos(packet(first)[:length], 6443, {NODE}))


def test_it_runs_where_there_is_only_pythons_standard_library() -> None:
    tree = ast.parse(Path(on_machine.__file__).read_text())
    named = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    named += [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    assert {str(name).split(".")[0] for name in named} <= set(sys.stdlib_module_names)
