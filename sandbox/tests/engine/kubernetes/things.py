"""A collection of things on a pretended API: lists, and what each watch streams in turn."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from sandbox.engine.kubernetes.awaiting.verdict import Verdict
from sandbox.engine.kubernetes.cluster import Cluster
from sandbox.engine.kubernetes.kubeconfig import Connection
from sandbox.engine.kubernetes.objects import Kind, Object
from sandbox.engine.kubernetes.rest import Rest
from sandbox.engine.kubernetes.task import Task
from sandbox.engine.plugin.engine_log import EngineLog
from sandbox.tests.engine.kubernetes.pretend_api import Answer

THINGS = Kind("example.com", "v1", "Thing")
KINDS = {
    "resources": [{"name": "things", "kind": "Thing", "namespaced": True}, {"name": "things/status", "kind": "Thing"}]
}


def thing(name: str, **status: Any) -> Object:
    return {
        "apiVersion": "example.com/v1", "kind": "Thing", "status": status,
        "metadata": {"name": name, "namespace": "default", "uid": name},
    }  # fmt: skip


class Api:
    """A collection of things: lists, and what each watch streams in turn (the last one again and again)."""

    def __init__(self, lists: list[list[Object]], watches: list[list[Any]]) -> None:
        self.lists, self.watches = lists, watches
        self.listed = self.watched = 0

    def __call__(self, method: str, path: str, query: dict[str, str]) -> Answer:
        if path == "/apis/example.com/v1":
            return 200, {}, KINDS
        if path.endswith("/events"):
            return 200, {}, {"items": []}
        if path == "/api/v1":
            return 200, {}, {"resources": [{"name": "events", "kind": "Event", "namespaced": True}]}
        if query.get("watch"):
            self.watched += 1
            return 200, {}, self.watches[min(self.watched, len(self.watches)) - 1]
        self.listed += 1
        items = self.lists[min(self.listed, len(self.lists)) - 1]
        return 200, {}, {"metadata": {"resourceVersion": str(self.listed)}, "items": items}


class Messages(EngineLog):
    """Collects what would be shown."""

    def __init__(self) -> None:
        super().__init__(None)
        self.shown: list[str] = []

    def status(self, urn: str, message: str) -> None:
        self.shown.append(message)


class Work(Task):
    """A task that a test can cancel."""

    def __init__(self, log: EngineLog | None = None) -> None:
        self._callbacks: list[Callable[[], None]] = []
        super().__init__("urn", log or Messages(), threading.Event(), self._register)

    def _register(self, callback: Callable[[], None]) -> Callable[[], None]:
        self._callbacks.append(callback)
        return lambda: self._callbacks.remove(callback)

    def cancel(self) -> None:
        self.cancelled.set()
        for callback in list(self._callbacks):
            callback()


def is_done(obj: Object) -> Verdict:
    done = obj["status"].get("done", False)
    return Verdict(
        bool(done), f"done: {done}", () if done else ("not done",), failed=obj["status"].get("failed", False)
    )


def at(url: str) -> Cluster:
    return Cluster(Rest(Connection(server=url)), "default")


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)
