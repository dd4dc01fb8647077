"""SSH connections as the property `connection` describes them, dialled and retried as the original does."""

from __future__ import annotations

import asyncio
import base64
import binascii
import io
import os
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import paramiko

from sandbox.engine.command.ending import Ending
from sandbox.engine.serving import ReportedError

T = TypeVar("T")
Status = Callable[[str], None]

_FIRST_DELAY, _GROWTH, _LONGEST_DELAY = 0.1, 1.5, 5.0
# The original bounds no part of a handshake; paramiko wants a bound, and keeps a thread for so long.
_HANDSHAKE_SECONDS = 3600.0
# Go's order of preference, in which the host's key of the first type that both have is shown.
_KEY_TYPES = (
    "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "rsa-sha2-256", "rsa-sha2-512", "ssh-ed25519",
)  # fmt: skip
# Go's for every TCP connection; after nine that are not answered the connection is lost.
_KEEPALIVE = {socket.TCP_KEEPIDLE: 15, socket.TCP_KEEPINTVL: 15, socket.TCP_KEEPCNT: 9}


class DialError(Exception):
    """One attempt that failed, in the words of the original."""


@dataclass(frozen=True)
class Endpoint:
    """One hop. `timeout` of the TCP connection in seconds, None without limit; `limit` of failed dials, -1 without."""

    host: str
    port: int
    user: str
    key: paramiko.PKey | None
    host_key: bytes | None
    limit: int
    timeout: float | None


def endpoint(properties: Mapping[str, Any]) -> Endpoint:
    """Reads one hop out of its properties, complete with defaults. Raises ReportedError."""
    key, host_key = properties.get("privateKey"), properties.get("hostKey")
    return Endpoint(
        host=properties["host"],
        port=int(properties["port"]),
        user=properties["user"],
        key=_private_key(key) if key is not None else None,
        host_key=_host_key(host_key) if host_key is not None else None,
        limit=int(properties["dialErrorLimit"]),
        timeout=properties["perDialTimeout"] or None,
    )


async def dial(connection: Mapping[str, Any], ending: Ending, status: Status) -> paramiko.Transport:
    """Connects and logs in; `connection` is the property, complete with defaults. Raises ReportedError."""
    target = endpoint(connection)
    if connection.get("proxy") is None:
        return await _retried("Dial", target.limit, lambda: _log_in(target, _connected(target)), ending, status)
    try:
        proxy = endpoint(connection["proxy"])
        through = await _retried("Dial proxy", proxy.limit, lambda: _log_in(proxy, _connected(proxy)), ending, status)
        carrier = await _retried("Dial from proxy", target.limit, lambda: _forwarded(through, target), ending, status)
        # Always on this one connection, which the first failure closes.
        return await _retried("Dial", target.limit, lambda: _log_in(target, carrier), ending, status)
    except ReportedError as problem:
        raise ReportedError(f"proxy: {problem}") from problem


async def _retried(what: str, limit: int, attempt: Callable[[], T], ending: Ending, status: Status) -> T:
    delay, failed = _FIRST_DELAY, 0
    while True:
        try:
            return await asyncio.to_thread(attempt)
        except DialError as problem:
            failed += 1
            if -1 < limit < failed:
                raise ReportedError(f"after {failed - 1} failed attempts: {problem}") from problem
            status(f"{what} {failed}/{'inf' if limit == -1 else limit} failed: retrying")
            if reason := await ending.wait(min(delay, _LONGEST_DELAY)):
                raise ReportedError(reason) from problem
            delay *= _GROWTH


def _connected(target: Endpoint) -> socket.socket:
    where = f"dial tcp {target.host}:{target.port}"
    try:
        connected = socket.create_connection((target.host, target.port), target.timeout)
    except socket.gaierror as problem:
        raise DialError(f"dial tcp: lookup {target.host}: {problem.strerror or 'no such host'}") from problem
    except TimeoutError as problem:
        raise DialError(f"{where}: i/o timeout") from problem
    except OSError as problem:
        raise DialError(f"{where}: connect: {os.strerror(problem.errno or 0).lower()}") from problem
    connected.settimeout(None)
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _KEEPALIVE.items():
        connected.setsockopt(socket.IPPROTO_TCP, option, value)
    return connected


def _forwarded(proxy: paramiko.Transport, target: Endpoint) -> paramiko.Channel:
    try:
        return proxy.open_channel("direct-tcpip", (target.host, target.port), ("127.0.0.1", 0))
    except (paramiko.SSHException, EOFError) as problem:
        raise DialError(f"ssh: rejected: connect failed ({problem or 'EOF'})") from problem


def _log_in(target: Endpoint, carrier: socket.socket | paramiko.Channel) -> paramiko.Transport:
    if isinstance(carrier, paramiko.Channel) and carrier.closed:
        raise DialError("ssh: handshake failed: EOF")
    transport = paramiko.Transport(carrier)
    transport.banner_timeout = transport.handshake_timeout = transport.auth_timeout = _HANDSHAKE_SECONDS
    transport.get_security_options().key_types = _KEY_TYPES
    try:
        transport.start_client()
        if target.host_key is not None and transport.get_remote_server_key().asbytes() != target.host_key:
            raise DialError("ssh: handshake failed: ssh: host key mismatch")
        _authenticate(transport, target)
    except BaseException as problem:
        transport.close()
        carrier.close()
        if isinstance(problem, (paramiko.SSHException, EOFError, OSError)):
            raise DialError(f"ssh: handshake failed: {problem or 'EOF'}") from problem
        raise
    return transport


def _authenticate(transport: paramiko.Transport, target: Endpoint) -> None:
    tried = "none"
    if target.key is not None:
        tried = "none publickey"
        with suppress(paramiko.AuthenticationException):
            transport.auth_publickey(target.user, target.key)
    if not transport.is_authenticated():
        unable = f"unable to authenticate, attempted methods [{tried}], no supported methods remain"
        raise DialError(f"ssh: handshake failed: ssh: {unable}")


def _private_key(text: str) -> paramiko.PKey:
    try:
        return paramiko.Ed25519Key.from_private_key(io.StringIO(text))
    except (paramiko.SSHException, ValueError) as problem:
        raise ReportedError("ssh: no key found; the sandbox reads Ed25519 keys in OpenSSH's form") from problem


def _host_key(text: str) -> bytes:
    """A key in the form of authorized_keys: `ssh-ed25519 AAAA… comment`."""
    words = [*text.split(), "", ""]
    try:
        blob = base64.b64decode(words[1], validate=True)
    except binascii.Error:
        blob = b""
    if not blob or blob[4 : 4 + int.from_bytes(blob[:4], "big")] != words[0].encode():
        raise ReportedError("failed to parse host key: ssh: no key found")
    return blob
