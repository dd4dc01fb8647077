"""SSH connections as the property `connection` describes them: retries, proxy, host keys, authentication."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar, cast

import paramiko
from paramiko.agent import AgentSSH

from sandbox.engine.command.keys import HostKey, KeyProblemError, host_key, private_key
from sandbox.engine.command.texts import system_text
from sandbox.engine.command.transport import Channel, Transport
from sandbox.engine.plugin.properties import Value
from sandbox.engine.plugin.server import PluginError

T = TypeVar("T")

_FIRST_DELAY, _GROWTH, _LONGEST_DELAY = 0.1, 1.5, 5.0
# A handshake on a busy machine takes longer than a dial; the original waits for it without end.
_HANDSHAKE_SECONDS = 60.0


class DialError(Exception):
    """One attempt to connect that failed, in the words of the original."""


@dataclass(frozen=True)
class Endpoint:
    """One hop. `timeout` in seconds, None without limit; `limit` of failed dials, -1 without."""

    host: str
    port: int
    user: str
    key: paramiko.PKey | None
    password: str | None
    agent: AgentSSH | None
    host_key: HostKey | None
    limit: int
    timeout: float | None


@dataclass(frozen=True)
class Dialler:
    """`cancelled` ends the retries; `status` tells the person about them."""

    cancelled: threading.Event
    status: Callable[[str], None]

    def dial(self, connection: Mapping[str, Value]) -> Connected:
        """Connects and logs in; `connection` is the property, complete with defaults. Raises PluginError."""
        try:
            target = endpoint(connection)
        except KeyProblemError as problem:
            raise PluginError(str(problem)) from problem
        proxy = connection.get("proxy")
        if proxy is None:
            return Connected([self._retry("Dial", target.limit, lambda: _log_in(target, _socket(target)))])
        try:
            return self._through(endpoint(cast(Mapping[str, Value], proxy)), target)
        except (KeyProblemError, PluginError) as problem:
            raise PluginError(f"proxy: {problem}") from problem

    def _through(self, proxy: Endpoint, target: Endpoint) -> Connected:
        first = self._retry("Dial proxy", proxy.limit, lambda: _log_in(proxy, _socket(proxy)))
        try:
            # A new channel for every handshake: the original tries again on one that a failure has closed.
            second = self._retry("Dial", target.limit, lambda: _log_in(target, _forwarded(first, target)))
        except BaseException:
            first.close()
            raise
        return Connected([second, first])

    def _retry(self, what: str, limit: int, attempt: Callable[[], T]) -> T:
        delay, failed = _FIRST_DELAY, 0
        while True:
            try:
                return attempt()
            except DialError as problem:
                failed += 1
                if -1 < limit < failed:
                    raise PluginError(f"after {failed - 1} failed attempts: {problem}") from problem
                self.status(f"{what} {failed}/{'inf' if limit == -1 else limit} failed: retrying")
                if self.cancelled.wait(min(delay, _LONGEST_DELAY)):
                    raise PluginError(f"context canceled (the last dial failed: {problem})") from problem
                delay *= _GROWTH


class Connected:
    """A connection to a host, with what it goes through."""

    def __init__(self, transports: list[Transport]) -> None:
        self.transport = transports[0]
        self._transports = transports

    def close(self) -> None:
        for transport in self._transports:
            transport.close()

    def __enter__(self) -> Connected:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def endpoint(properties: Mapping[str, Value]) -> Endpoint:
    """Reads one hop out of its properties. Raises KeyProblemError."""

    def text(name: str) -> str | None:
        return cast("str | None", properties.get(name))

    def number(name: str, default: int) -> int:
        value = properties.get(name)
        return int(value) if isinstance(value, float) else default

    key, expected = text("privateKey"), text("hostKey")
    agent_socket = text("agentSocketPath") or os.environ.get("SSH_AUTH_SOCK")
    return Endpoint(
        host=text("host") or "",
        port=number("port", 22),
        user=text("user") or "root",
        key=private_key(key, text("privateKeyPassword")) if key is not None else None,
        password=text("password"),
        agent=_Agent(agent_socket) if agent_socket else None,
        host_key=host_key(expected) if expected is not None else None,
        limit=number("dialErrorLimit", 10),
        timeout=float(number("perDialTimeout", 15)) or None,
    )


def _socket(target: Endpoint) -> socket.socket:
    where = f"dial tcp {target.host}:{target.port}"
    try:
        return socket.create_connection((target.host, target.port), target.timeout)
    except socket.gaierror as problem:
        raise DialError(f"dial tcp: lookup {target.host}: {problem.strerror or 'no such host'}") from problem
    except TimeoutError as problem:
        raise DialError(f"{where}: i/o timeout") from problem
    except OSError as problem:
        raise DialError(f"{where}: connect: {system_text(problem)}") from problem


def _forwarded(proxy: Transport, target: Endpoint) -> Channel:
    try:
        return proxy.open_channel("direct-tcpip", (target.host, target.port), ("127.0.0.1", 0), timeout=target.timeout)
    except (paramiko.SSHException, EOFError) as problem:
        raise DialError(f"ssh: rejected: connect failed ({problem})") from problem


def _log_in(target: Endpoint, carrier: socket.socket | Channel) -> Transport:
    if isinstance(carrier, socket.socket):
        carrier.settimeout(None)
    transport = Transport(carrier)
    transport.banner_timeout = transport.auth_timeout = transport.handshake_timeout = _HANDSHAKE_SECONDS
    if target.host_key is not None:
        # Else the host might show a key of another type than the one that is known.
        transport.get_security_options().key_types = _algorithms(target.host_key.type)
    try:
        transport.start_client(timeout=_HANDSHAKE_SECONDS)
        if target.host_key is not None and transport.get_remote_server_key().asbytes() != target.host_key.blob:
            raise DialError("ssh: handshake failed: ssh: host key mismatch")
        _authenticate(transport, target)
    except BaseException as problem:
        transport.close()
        if isinstance(problem, (paramiko.SSHException, EOFError, OSError)):
            raise DialError(f"ssh: handshake failed: {problem or 'EOF'}") from problem
        raise
    return transport


def _algorithms(key_type: str) -> tuple[str, ...]:
    return ("rsa-sha2-512", "rsa-sha2-256", "ssh-rsa") if key_type == "ssh-rsa" else (key_type,)


def _authenticate(transport: Transport, target: Endpoint) -> None:
    """Tries what the connection has, in the order of the original: one kind of authentication is tried once."""
    attempted = ["none"]
    methods: list[tuple[str, Callable[[], object]]] = []
    if target.key is not None:
        key = target.key
        methods.append(("publickey", lambda: transport.auth_publickey(target.user, key)))
    if target.password is not None:
        password = target.password
        methods.append(("password", lambda: transport.auth_password(target.user, password, fallback=False)))
        methods.append(
            (
                "keyboard-interactive",
                lambda: transport.auth_interactive(target.user, lambda title, text, fields: [password for _ in fields]),
            )
        )
    if target.key is None and target.agent is not None:
        methods.append(("publickey", lambda: _with_agent(transport, target)))
    for name, method in methods:
        try:
            method()
        except paramiko.BadAuthenticationType:
            continue
        except paramiko.AuthenticationException:
            attempted.append(name)
        if transport.is_authenticated():
            return
    tried = " ".join(attempted)
    raise DialError(
        f"ssh: handshake failed: ssh: unable to authenticate, attempted methods [{tried}], no supported methods remain"
    )


class _Agent(AgentSSH):
    """The agent at a socket; paramiko's own looks at SSH_AUTH_SOCK alone."""

    def __init__(self, path: str) -> None:
        super().__init__()
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(path)
        except OSError as problem:
            connection.close()
            raise KeyProblemError(f"dial unix {path}: connect: {system_text(problem)}") from problem
        connect: Callable[[socket.socket], None] = vars(AgentSSH)["_connect"].__get__(self)
        connect(connection)


def _with_agent(transport: Transport, target: Endpoint) -> None:
    for key in target.agent.get_keys() if target.agent is not None else ():
        try:
            transport.auth_publickey(target.user, key)
        except paramiko.AuthenticationException:
            continue
        return
    raise paramiko.AuthenticationException("no key of the agent was accepted")
