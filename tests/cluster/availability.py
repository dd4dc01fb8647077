"""For how long a client failed: clients that run beside a fault, and what they saw."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

import yaml

from tests.cluster import availability_client
from tests.cluster.conftest import Workspace
from tests.cluster.on_machines import command_on
from tests.sandbox_cli import CHECKOUT

NAMESPACE = "availability"
PLACES = ("worker", "operator")
_FIRST_ATTEMPT_SECONDS = 30
_LAST_ATTEMPT_SECONDS = 10


@dataclass(frozen=True)
class Attempt:
    """One second of a client. `at` in seconds since the epoch; no `error` where it wrote and read in time."""

    at: float
    name: str
    error: str
    took: float


@dataclass(frozen=True)
class Seen:
    """What a client saw of something that was broken or healed, which was done at `made` (seconds since the epoch)."""

    attempts: Sequence[Attempt]
    made: float

    @property
    def failed(self) -> list[Attempt]:
        return [attempt for attempt in self.attempts if attempt.error]

    @property
    def longest_run(self) -> int:
        """Failed seconds in a row, at most."""
        runs = groupby(self.attempts, key=lambda attempt: bool(attempt.error))
        return max((len(list(run)) for failed, run in runs if failed), default=0)

    @property
    def last_failure(self) -> float:
        """Seconds from when it was made to the last failure; 0 without any."""
        return max((attempt.at - self.made for attempt in self.failed), default=0.0)

    @property
    def written(self) -> set[str]:
        """Names of the objects that the API said it has written."""
        return {attempt.name for attempt in self.attempts if not attempt.error.startswith("write")}

    def __str__(self) -> str:
        if not self.failed:
            return "0 s"
        when = f"the last after {self.last_failure:.0f} s" if self.last_failure >= 0 else "none afterwards"
        return f"{len(self.failed)} s ({self.longest_run} in a row, {when})"


@dataclass
class Watch:
    """Clients at work: their attempts by place. What is seen counts from the last `making`."""

    attempts: dict[str, list[Attempt]] = field(default_factory=dict)
    began: float = field(default_factory=time.time)
    made: float = field(default_factory=time.time)

    @contextmanager
    def making(self) -> Iterator[None]:
        """Around what breaks or heals something: failures count from its beginning, times from its end."""
        self.began = time.time()
        yield
        self.made = time.time()

    def seen(self) -> dict[str, Seen]:
        """By place, what has been seen so far."""
        return {
            place: Seen([attempt for attempt in self._ordered(place) if attempt.at >= self.began], self.made)
            for place in self.attempts
        }

    def written(self) -> set[str]:
        """Names of all objects that the API said it has written, to any client."""
        return set().union(*(Seen(self._ordered(place), 0).written for place in self.attempts))

    def until_well(self, quiet: float, within: float) -> dict[str, Seen]:
        """What was seen when all clients have had no failure for `quiet` seconds. Fails `within` seconds."""
        deadline = time.monotonic() + within
        while True:
            seen = self.seen()
            if all(_quiet_seconds(each) >= quiet for each in seen.values()):
                return seen
            last = {place: (each.failed[-1].error if each.failed else "") for place, each in seen.items()}
            assert time.monotonic() < deadline, f"no {quiet:.0f} s without failure in {within:.0f} s: {last}"
            time.sleep(0.2)

    def _ordered(self, place: str) -> list[Attempt]:
        # A failed attempt takes longer than the next one, which succeeds.
        return sorted(self.attempts[place].copy(), key=lambda attempt: attempt.at)


def _quiet_seconds(seen: Seen) -> float:
    if not seen.attempts:
        return 0.0
    return seen.attempts[-1].at - max((attempt.at for attempt in seen.failed), default=seen.made)


@contextmanager
def watched(workspace: Workspace, worker: str) -> Iterator[Watch]:
    """A watch by two clients, each of which has succeeded.

    `worker` is where pods and nodes are: on that machine, through the internal load balancer, by the API's own name.
    `operator` is where people are: on the host, through the public load balancer.
    """
    watch = Watch()
    commands = {"worker": command_on(worker, "python3"), "operator": [sys.executable]}
    clients = [_Client(watch, workspace, place, commands[place]) for place in PLACES]
    try:
        watch.until_well(quiet=2, within=_FIRST_ATTEMPT_SECONDS)
        yield watch
    finally:
        for client in clients:
            client.end()


class _Client:
    def __init__(self, watch: Watch, workspace: Workspace, place: str, python: Sequence[str]) -> None:
        self._attempts = watch.attempts.setdefault(place, [])
        # The program is an argument, for standard input is the credentials'.
        program = Path(availability_client.__file__).read_text()
        self._process = subprocess.Popen(
            [*python, "-c", program], cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdin
        self._process.stdin.write(json.dumps(_endpoint(workspace, place)) + "\n")
        self._process.stdin.flush()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self._attempts.append(Attempt(**json.loads(line)))

    def end(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._reader.join(_LAST_ATTEMPT_SECONDS)
        self._process.kill()
        self._process.wait()


def _endpoint(workspace: Workspace, place: str) -> dict[str, str | int]:
    """What a client gets (`availability_client.Endpoint`): the operator's kubeconfig has all of it."""
    config = yaml.safe_load(workspace.kubeconfig.read_text())
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    host, _, port = cluster["server"].removeprefix("https://").partition(":")
    name = cluster["tls-server-name"]
    # The name of a load balancer is known to the proxy alone; a machine's address is reached without it.
    proxy = "" if host.replace(".", "").isdigit() else workspace.environment["HTTPS_PROXY"]
    return {
        "host": host if place == "operator" else name,
        "port": int(port),
        "server_name": name,
        "proxy": proxy.removeprefix("http://").rstrip("/") if place == "operator" else "",
        "authority": _decoded(cluster["certificate-authority-data"]),
        "certificate": _decoded(user["client-certificate-data"]),
        "key": _decoded(user["client-key-data"]),
        "objects": f"/api/v1/namespaces/{NAMESPACE}/configmaps",
        "prefix": f"{place}-{uuid.uuid4().hex[:8]}",
    }


def _decoded(data: str) -> str:
    return base64.b64decode(data).decode()
