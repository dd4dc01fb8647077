"""Plays the kubelets of a control plane without nodes: gives pods the status that a test wants."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any

from sandbox.engine.kubernetes.cluster import Cluster, NoMatchError
from sandbox.engine.kubernetes.objects import Kind, Object, name_of, namespace_of
from sandbox.engine.kubernetes.rest import ApiError, UnreachableError

PODS = Kind("", "v1", "Pod")


def running(pod: Object) -> dict[str, Any]:
    """Ready, with an address."""
    conditions = [
        {"type": name, "status": "True"} for name in ("PodScheduled", "Initialized", "ContainersReady", "Ready")
    ]
    return {"phase": "Running", "podIP": "10.1.2.3", "podIPs": [{"ip": "10.1.2.3"}], "conditions": conditions}


def without_image(pod: Object) -> dict[str, Any]:
    """Its image can't be pulled."""
    conditions = [
        {"type": "PodScheduled", "status": "True"},
        {"type": "Initialized", "status": "True"},
        {"type": "Ready", "status": "False", "reason": "ContainersNotReady", "message": "containers are not ready"},
    ]
    waiting = {"reason": "ImagePullBackOff", "message": "no such image: nowhere/none"}
    status = {
        "name": "c",
        "ready": False,
        "restartCount": 0,
        "image": "none",
        "imageID": "",
        "state": {"waiting": waiting},
    }
    return {"phase": "Pending", "conditions": conditions, "containerStatuses": [status]}


def succeeded(pod: Object) -> dict[str, Any]:
    return {"phase": "Succeeded"}


def crashed(pod: Object) -> dict[str, Any]:
    return {"phase": "Failed"}


class PretendKubelet:
    """While it's entered, every pod of the default namespace has the status that `behave` says."""

    def __init__(self, cluster: Cluster, behave: Callable[[Object], dict[str, Any]] = running) -> None:
        self._cluster, self.behave = cluster, behave
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> PretendKubelet:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(0.1):
            for pod in self._cluster.list_objects(PODS, "default").get("items", []):
                wanted = self.behave(pod)
                if any(pod.get("status", {}).get(key) != value for key, value in wanted.items() if key != "conditions"):
                    self._tell(pod, wanted)

    def _tell(self, pod: Object, status: dict[str, Any]) -> None:
        path = self._cluster.path(PODS, namespace_of(pod), name_of(pod)) + "/status"
        body = {"status": status}
        with suppress(ApiError, NoMatchError, UnreachableError):  # it may be gone by now
            self._cluster.rest.request("PATCH", path, None, body, "application/strategic-merge-patch+json")
