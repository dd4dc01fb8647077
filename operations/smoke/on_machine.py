"""Run on a machine of the stack, by its Python, as root: prints what it finds as JSON, and changes nothing.

Standard library only. Arguments: the API's port, for how many seconds to listen for health checks, and the addresses of
the load balancers' nodes, from which they come.
"""

from __future__ import annotations

import json
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Of Linux; Python has no names for them.
_IP_MTU = 14
_ETH_P_IP = 0x0800
_TCP = 6
_HANDSHAKE, _CLIENT_HELLO = 22, 1
_SERVER_NAME, _SUPPORTED_VERSIONS = 0, 43
_VERSIONS = {0x0301: "1.0", 0x0302: "1.1", 0x0303: "1.2", 0x0304: "1.3"}


def main(arguments: list[str]) -> None:
    port, seconds, nodes = int(arguments[0]), float(arguments[1]), arguments[2:]
    way = path_mtu(nodes[0], port) if nodes else {}
    print(json.dumps({"clock": clock(), **mtu(), **way, "hellos": listen(seconds, port, set(nodes))}))


def clock() -> dict[str, str]:
    """The properties of timesyncd, or why there are none."""
    try:
        said = subprocess.run(["timedatectl", "show-timesync"], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired) as error:
        return {"error": str(error)}
    found = dict(line.split("=", 1) for line in said.stdout.splitlines() if "=" in line)
    return found or {"error": said.stderr.strip()}


def mtu() -> dict[str, Any]:
    """Of the interface that the default route leads through."""
    for line in Path("/proc/net/route").read_text().splitlines()[1:]:
        interface, destination = line.split()[:2]
        if int(destination, 16) == 0:
            return {"interface": interface, "mtu": int(Path(f"/sys/class/net/{interface}/mtu").read_text())}
    return {"interface": "", "mtu": 0}


def path_mtu(host: str, port: int) -> dict[str, Any]:
    """What a connection to a node of a load balancer says of its way."""
    try:
        with socket.create_connection((host, port), timeout=10) as connection:
            return {
                "path_mtu": connection.getsockopt(socket.IPPROTO_IP, _IP_MTU),
                "segment": connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG),
            }
    except OSError as error:
        return {"path_error": str(error)}


def listen(seconds: float, port: int, sources: set[str]) -> list[dict[str, Any]]:
    """The different first messages of TLS to the API server from these addresses that name no server."""
    found: list[dict[str, Any]] = []
    if not sources:
        return found
    end = time.monotonic() + seconds
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ETH_P_IP)) as wire:
        while (left := end - time.monotonic()) > 0:
            wire.settimeout(left)
            try:
                packet = wire.recv(65535)
            except TimeoutError:
                break
            for hello in hellos(packet, port, sources):
                # A client goes by the API's name; a health check by the target's address.
                if not hello["names_server"] and hello not in found:
                    found.append(hello)
    return found


def hellos(packet: bytes, port: int, sources: set[str]) -> Iterator[dict[str, Any]]:
    """The first message of TLS in an IPv4 packet to the API server from one of these addresses, if it has one."""
    try:
        length = (packet[0] & 15) * 4
        if packet[9] != _TCP or socket.inet_ntoa(packet[12:16]) not in sources:
            return
        segment = packet[length : struct.unpack(">H", packet[2:4])[0]]
        if struct.unpack(">H", segment[2:4])[0] == port:
            data = segment[(segment[12] >> 4) * 4 :]
            if len(data) > 5 and data[0] == _HANDSHAKE and data[5] == _CLIENT_HELLO:
                yield client_hello(data[5:])
    except (IndexError, OSError, struct.error):
        # It was cut short.
        return


def client_hello(message: bytes) -> dict[str, Any]:
    """Versions and cipher suites that a ClientHello offers, and whether it names a server."""
    at = 4
    versions = [struct.unpack(">H", message[at : at + 2])[0]]
    at += 2 + 32
    at += 1 + message[at]
    count = struct.unpack(">H", message[at : at + 2])[0]
    suites = list(struct.unpack(f">{count // 2}H", message[at + 2 : at + 2 + count]))
    at += 2 + count
    at += 1 + message[at]
    extensions = dict(_extensions(message[at + 2 :]))
    if offered := extensions.get(_SUPPORTED_VERSIONS):
        versions = list(struct.unpack(f">{offered[0] // 2}H", offered[1 : 1 + offered[0]]))
    return {
        "versions": sorted(_VERSIONS[version] for version in versions if version in _VERSIONS),
        "suites": [f"{suite:04x}" for suite in suites],
        "names_server": _SERVER_NAME in extensions,
    }


def _extensions(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 4 <= len(data):
        kind, length = struct.unpack(">HH", data[at : at + 4])
        yield kind, data[at + 4 : at + 4 + length]
        at += 4 + length


if __name__ == "__main__":
    main(sys.argv[1:])
