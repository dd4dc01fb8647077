"""haproxy's processes: a parent, the worker that gets new connections, and those before it, which keep theirs.

A worker that has been replaced obeys no command about its servers any more, but ends single connections.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from sandbox.cloud.balancer.config import Backend
from sandbox.cloud.balancer.runtime import RuntimeRefused

Ask = Callable[[str], str]
_PARENT = "master"


@dataclass(frozen=True)
class Processes:
    """`reloads` counts those of the configuration; the last one `failed` or not. `earlier` are ids of processes."""

    reloads: int
    failed: bool
    earlier: tuple[int, ...]


class Connection(NamedTuple):
    """One that an earlier process holds. `id` is haproxy's."""

    process: int
    id: str
    backend: str
    server: str


def processes_in(answer: str) -> Processes:
    """The parent process's answer to `show proc`. Raises RuntimeRefused where that is something else."""
    parent = re.search(rf"^\d+\s+{_PARENT}\s+(\d+)(?: \[failed: (\d+)\])?", answer, re.MULTILINE)
    if not parent:
        raise RuntimeRefused(f"haproxy: `show proc`: {answer or 'no answer'}")
    _, _, earlier = answer.partition("# old workers")
    return Processes(
        reloads=int(parent[1]),
        failed=int(parent[2] or 0) > 0,
        earlier=tuple(int(line.split()[0]) for line in earlier.splitlines() if re.match(r"\d+\s+worker\s", line)),
    )


def connections_in(process: int, answer: str) -> list[Connection]:
    """A worker's answer to `show sess`: its connections to servers."""
    found = re.findall(r"^(0x[0-9a-f]+): .*? be=(\S+) srv=(\S+) ", answer, re.MULTILINE)
    return [Connection(process, name, backend, server) for name, backend, server in found if server != "<none>"]


def held(ask_parent: Ask) -> list[Connection]:
    """What earlier processes hold."""
    earlier = processes_in(ask_parent("show proc")).earlier
    return [one for process in earlier for one in connections_in(process, ask_parent(f"@!{process} show sess"))]


def to_be_ended(
    connections: Iterable[Connection], forwards: Iterable[Backend], ending: Collection[tuple[str, str]]
) -> list[Connection]:
    """Those to the servers that are `ending`, by backend and name, and to servers that have left their backend.

    Of a backend that is no more they go on.
    """
    known = {backend.name: backend for backend in forwards}
    return [
        connection
        for connection in connections
        if (backend := known.get(connection.backend))
        and (
            (connection.backend, connection.server) in ending
            or (backend.ends_connections and connection.server not in {server.name for server in backend.servers})
        )
    ]


def end(ask_parent: Ask, connections: Iterable[Connection]) -> None:
    """Ends them. One that has ended by itself in the meantime is no error."""
    for connection in connections:
        ask_parent(f"@!{connection.process} shutdown session {connection.id}")
