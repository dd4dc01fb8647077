"""haproxy's runtime interface: what it says of its servers, and the commands that bring them to what is wanted."""

from __future__ import annotations

import csv
import io
import socket
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from sandbox.cloud.balancer.config import Backend, Server
from sandbox.errors import SandboxError

_TIMEOUT_SECONDS = 5.0


class RuntimeRefused(SandboxError):
    """haproxy did not do as told; the message holds the command and what it said."""


@dataclass(frozen=True)
class ServerState:
    """`status` as haproxy has it (UP, DOWN, MAINT, DRAIN, no check …), `check` the result of the last check.

    `seconds` have passed since it went up or down.
    """

    endpoint: str
    status: str
    check: str
    check_code: str
    connections: int
    seconds: int = 0

    @property
    def is_up(self) -> bool:
        return self.status.startswith("UP")

    @property
    def is_open(self) -> bool:
        """Whether it gets connections."""
        return self.is_up or self.status == "no check"

    @property
    def is_checked(self) -> bool:
        """Whether a check has ended since it is there."""
        return self.check not in ("", "INI")

    @property
    def passes(self) -> bool:
        return self.check.endswith("OK")


States = Mapping[str, Mapping[str, ServerState]]
"""By backend and server."""
Ask = Callable[[str], str]


class Runtime:
    """The interface on the parent process's socket. Calls raise OSError where nobody listens, and RuntimeRefused."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def ask(self, command: str) -> str:
        """The answer of the process that gets new connections."""
        return self.ask_parent(f"@1 {command}")

    def ask_parent(self, command: str) -> str:
        """One command's answer."""
        with socket.socket(socket.AF_UNIX) as opened:
            opened.settimeout(_TIMEOUT_SECONDS)
            opened.connect(str(self._path))
            opened.sendall(f"{command}\n".encode())
            opened.shutdown(socket.SHUT_WR)
            answer = b""
            while chunk := opened.recv(65536):
                answer += chunk
        return answer.decode(errors="replace").strip()

    def states(self) -> States:
        answer = self.ask("show stat")
        if not answer.startswith("# pxname"):
            raise RuntimeRefused(f"haproxy: `show stat`: {answer or 'no answer'}")
        return states_in(answer)


def states_in(answer: str) -> dict[str, dict[str, ServerState]]:
    """The servers in the answer to `show stat`."""
    found: dict[str, dict[str, ServerState]] = {}
    for row in csv.DictReader(io.StringIO(answer.removeprefix("# "))):
        if row.get("svname") in (None, "FRONTEND"):
            continue
        backend = found.setdefault(row["pxname"], {})
        if row["svname"] != "BACKEND":
            backend[row["svname"]] = ServerState(
                endpoint=row["addr"],
                status=row["status"],
                # A star says that the next check is under way.
                check=row["check_status"].removeprefix("* "),
                check_code=row["check_code"],
                connections=int(row["scur"] or 0),
                seconds=int(row["lastchg"] or 0),
            )
    return found


def all_failing(states: States) -> States:
    """The states if no check could pass."""
    failed = {"status": "DOWN", "check": "L6RSP", "check_code": ""}
    return {
        backend: {name: replace(state, **failed) for name, state in servers.items()}  # type: ignore[arg-type]
        for backend, servers in states.items()
    }


def bring_about(ask: Ask, backends: Iterable[Backend], states: States) -> None:
    """Makes a running haproxy have the servers of the backends. Raises RuntimeRefused, after having tried all."""
    refusals = []
    for backend in backends:
        known = states.get(backend.name, {})
        wanted = {server.name: server for server in backend.servers}
        try:
            for name, state in known.items():
                if name not in wanted:
                    _let_go(ask, backend, name, state)
                elif state.endpoint != wanted[name].endpoint:
                    _remove(ask, backend, name)
                    _add(ask, backend, wanted[name])
                elif state.status.startswith("MAINT"):
                    # It was to be removed, and its connections had not ended yet.
                    _begin(ask, backend, name)
            for name in wanted.keys() - known.keys():
                _add(ask, backend, wanted[name])
        except RuntimeRefused as refusal:
            refusals.append(str(refusal))
    if refusals:
        raise RuntimeRefused("; ".join(refusals))


def carry_over(
    ask: Ask, backends: Iterable[Backend], healthy: Collection[tuple[str, str]], closed: Collection[tuple[str, str]]
) -> None:
    """After a start: servers that were not healthy before must pass their checks first.

    Those that were must fail as many as ever: what haproxy starts with is up only until the first check fails. Those
    that were `closed` have started without weight, and are opened and closed like others from now on.
    """
    for backend in backends:
        for server in backend.servers:
            if backend.checks:
                health = "up" if (backend.name, server.name) in healthy else "down"
                _tell(ask, f"set server {backend.name}/{server.name} health {health}")
            elif (backend.name, server.name) in closed:
                _tell(ask, f"set server {backend.name}/{server.name} health down")
                _tell(ask, f"set server {backend.name}/{server.name} weight 1")


def forward(ask: Ask, backend: Backend, receivers: Collection[str], states: States) -> None:
    """Makes new connections go to the receivers alone; those that there are go on."""
    for name, state in states.get(backend.name, {}).items():
        if state.is_open != (name in receivers) and not state.status.startswith("MAINT"):
            _tell(ask, f"set server {backend.name}/{name} health {'up' if name in receivers else 'down'}")


def cut(ask: Ask, backend: Backend, names: Iterable[str]) -> None:
    """Ends the connections to these servers."""
    for name in names:
        _tell(ask, f"shutdown sessions server {backend.name}/{name}")


def _add(ask: Ask, backend: Backend, server: Server) -> None:
    path = f"{backend.name}/{server.name}"
    _tell(ask, f"add server {path} {server.endpoint} {server.options}", "New server registered")
    _begin(ask, backend, server.name)


def _begin(ask: Ask, backend: Backend, name: str) -> None:
    """Nothing goes there until checks have passed, or `forward` says so."""
    path = f"{backend.name}/{name}"
    _tell(ask, f"set server {path} state ready")
    _tell(ask, f"set server {path} health down")
    if backend.checks:
        _tell(ask, f"enable health {path}")


def _let_go(ask: Ask, backend: Backend, name: str, state: ServerState) -> None:
    """New connections go elsewhere at once; the server goes when it has none, or all of them are cut."""
    if state.connections and not backend.ends_connections:
        if state.is_open:
            _tell(ask, f"set server {backend.name}/{name} health down")
        return
    _remove(ask, backend, name)


def _remove(ask: Ask, backend: Backend, name: str) -> None:
    path = f"{backend.name}/{name}"
    _tell(ask, f"set server {path} state maint")
    _tell(ask, f"shutdown sessions server {path}")
    answer = ask(f"del server {path}")
    # Connections that are being cut are gone by the next time.
    if "Server deleted" not in answer and "still has" not in answer:
        raise RuntimeRefused(f"haproxy: `del server {path}`: {answer}")


def _tell(ask: Ask, command: str, expected: str = "") -> None:
    answer = ask(command)
    if expected not in answer or (not expected and answer):
        raise RuntimeRefused(f"haproxy: `{command}`: {answer or 'no answer'}")
