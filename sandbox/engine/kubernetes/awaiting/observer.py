"""Keeps the objects of one kind in one namespace up to date in memory: list once, then watch."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import urllib3

from sandbox.engine.kubernetes.cluster import Cluster, NoMatchError
from sandbox.engine.kubernetes.objects import Kind, Object, lookup, text, uid_of
from sandbox.engine.kubernetes.rest import ApiError, UnreachableError

_SERVER_ENDS_AFTER = 60
_RETRY_SECONDS = 1.0


class Observer:
    """A thread that mirrors a collection; `changed` is called after every change, in that thread."""

    def __init__(
        self, cluster: Cluster, kind: Kind, namespace: str, changed: Callable[[], None], name: str = ""
    ) -> None:
        self._cluster, self._kind, self._namespace, self._changed = cluster, kind, namespace, changed
        self._query = {"fieldSelector": f"metadata.name={name}"} if name else {}
        self._lock = threading.Lock()
        self._objects: dict[str, Object] = {}
        self._stopped = threading.Event()
        self._open: urllib3.BaseHTTPResponse | None = None
        self.synced = False
        self.error = ""
        self._thread = threading.Thread(target=self._run, name=f"watch {kind}", daemon=True)
        self._thread.start()

    def objects(self) -> Sequence[Object]:
        with self._lock:
            return list(self._objects.values())

    def stop(self) -> None:
        """Ends the watch, also one that waits for the server."""
        self._stopped.set()
        with self._lock:
            response = self._open
        if response is not None:
            # It may have ended by itself meanwhile.
            with suppress(OSError, ValueError, RuntimeError, urllib3.exceptions.HTTPError):
                response.shutdown()
        self._thread.join(timeout=2)

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._follow(self._list())
                self.error = ""
            except (
                ApiError,
                NoMatchError,
                UnreachableError,
                urllib3.exceptions.HTTPError,
                OSError,
                ValueError,
            ) as error:
                if self._stopped.is_set():
                    return
                self.error = f"cannot watch {self._kind}: {error}"
                self._changed()
                self._stopped.wait(_RETRY_SECONDS)

    def _list(self) -> str:
        answer = self._cluster.list_objects(self._kind, self._namespace, self._query)
        # Entries of a list don't say what they are.
        named = [
            {"apiVersion": self._kind.api_version, "kind": self._kind.kind, **entry}
            for entry in answer.get("items") or []
        ]
        with self._lock:
            self._objects = {uid_of(entry): entry for entry in named}
        self.synced, self.error = True, ""
        self._changed()
        return text(lookup(answer, "metadata", "resourceVersion"))

    def _follow(self, version: str) -> None:
        query = {**self._query, "resourceVersion": version, "timeoutSeconds": str(_SERVER_ENDS_AFTER)}
        response = self._cluster.watch(self._kind, self._namespace, query)
        with self._lock:
            self._open = response
        try:
            rest = b""
            while not self._stopped.is_set():
                chunk = response.read1()
                if not chunk:
                    return
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    if line and not self._apply(json.loads(line)):
                        return
        finally:
            with self._lock:
                self._open = None
            response.close()

    def _apply(self, event: Mapping[str, Any]) -> bool:
        """Takes in one event; False when the list must be asked for again."""
        obj = event.get("object") or {}
        if event.get("type") == "ERROR":
            return False
        with self._lock:
            if event.get("type") == "DELETED":
                self._objects.pop(uid_of(obj), None)
            else:
                self._objects[uid_of(obj)] = obj
        self._changed()
        return True
