"""Waits until an object is ready, or is gone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sandbox.engine.kubernetes.awaiting.observer import Observer
from sandbox.engine.kubernetes.awaiting.verdict import Condition, Snapshot, Verdict
from sandbox.engine.kubernetes.cluster import Cluster, NoMatchError
from sandbox.engine.kubernetes.errors import CancelledError, InitializationError, NotDeletedError, TimedOutError
from sandbox.engine.kubernetes.objects import (
    Kind,
    Object,
    integer,
    kind_of,
    lookup,
    name_of,
    namespace_of,
    owned_by,
    sequence,
    text,
    uid_of,
)
from sandbox.engine.kubernetes.rest import ApiError, UnreachableError
from sandbox.engine.kubernetes.task import Deadline, Task

EVENTS = Kind("", "v1", "Event")
_SHOWN_EVENTS = 5


class _Watch:
    """Observers of an object and of what its condition looks at, with one place to wait for a change of any."""

    def __init__(self, task: Task, cluster: Cluster, obj: Object, kinds: tuple[Kind, ...]) -> None:
        self._changes = threading.Condition()
        self._version = 0
        self._forget = task.on_cancel(self._changed)
        namespace = namespace_of(obj)
        self.main = Observer(cluster, kind_of(obj), namespace, self._changed, name_of(obj))
        self.others = {kind: Observer(cluster, kind, namespace, self._changed) for kind in kinds}

    def _changed(self) -> None:
        with self._changes:
            self._version += 1
            self._changes.notify_all()

    @property
    def version(self) -> int:
        with self._changes:
            return self._version

    def wait(self, seen: int, seconds: float) -> None:
        """Until something has changed since `seen`, at most so long."""
        with self._changes:
            if self._version == seen:
                self._changes.wait(seconds)

    @property
    def synced(self) -> bool:
        return self.main.synced and all(observer.synced for observer in self.others.values())

    @property
    def errors(self) -> list[str]:
        return [observer.error for observer in (self.main, *self.others.values()) if observer.error]

    def stop(self) -> None:
        self._forget()
        for observer in (self.main, *self.others.values()):
            observer.stop()


@contextmanager
def _watching(task: Task, cluster: Cluster, obj: Object, kinds: tuple[Kind, ...] = ()) -> Iterator[_Watch]:
    watch = _Watch(task, cluster, obj, kinds)
    try:
        yield watch
    finally:
        watch.stop()


def until_ready(task: Task, cluster: Cluster, obj: Object, condition: Condition, seconds: float) -> None:
    """Returns when the condition holds. Raises TimedOutError, InitializationError or CancelledError."""
    deadline = Deadline(seconds)
    settling = _Settling()
    last, verdict = obj, Verdict(False)
    with _watching(task, cluster, obj, condition.watched) as watch:
        while True:
            seen = watch.version
            found = next((entry for entry in watch.main.objects() if uid_of(entry) == uid_of(obj)), None)
            if found is not None and watch.synced:
                last = found
                verdict = condition.judge(Snapshot(found, {kind: of.objects() for kind, of in watch.others.items()}))
                task.status(verdict.status)
                if settling.settled(verdict):
                    return
            elif watch.synced:
                raise InitializationError(last, ["it was deleted while it was waited for"])
            if verdict.failed:
                raise InitializationError(last, verdict.problems)
            if task.cancelled.is_set() or deadline.passed:
                if verdict.ready:
                    return
                reasons = [*verdict.problems, *watch.errors, *_events(cluster, last, watch)]
                raise (CancelledError if task.cancelled.is_set() else TimedOutError)(last, reasons)
            watch.wait(seen, min(deadline.remaining, settling.remaining(verdict)))


class _Settling:
    """Since when a ready verdict has been the same."""

    def __init__(self) -> None:
        self._key: str | None = None
        self._since = 0.0

    def settled(self, verdict: Verdict) -> bool:
        if not verdict.ready:
            self._key = None
            return False
        if self._key != verdict.settle_key:
            self._key, self._since = verdict.settle_key, time.monotonic()
        return time.monotonic() >= self._since + verdict.settle_seconds

    def remaining(self, verdict: Verdict) -> float:
        return max(0.0, self._since + verdict.settle_seconds - time.monotonic()) if verdict.ready else float("inf")


def _events(cluster: Cluster, obj: Object, watch: _Watch) -> list[str]:
    """The last warnings about the object and the pods around it that belong to it."""
    owned = {uid_of(obj)}
    related = [entry for of in watch.others.values() for entry in of.objects()]
    for _ in range(2):  # a Deployment's pods belong to its ReplicaSets
        owned |= {
            uid_of(entry) for entry in related if any(owned_by(entry, {"metadata": {"uid": uid}}) for uid in owned)
        }
    try:
        answer = cluster.list_objects(EVENTS, namespace_of(obj), {"fieldSelector": "type=Warning"})
    except (ApiError, NoMatchError, UnreachableError):
        return []
    about = [entry for entry in answer.get("items") or [] if text(lookup(entry, "involvedObject", "uid")) in owned]
    about.sort(key=lambda entry: text(entry.get("lastTimestamp")) or text(entry.get("eventTime")))
    messages = [
        f"event {text(lookup(entry, 'involvedObject', 'kind'))}/{text(lookup(entry, 'involvedObject', 'name'))}: "
        f"{text(entry.get('reason'))}: {text(entry.get('message'))} (x{max(1, integer(entry, 'count'))})"
        for entry in about
    ]
    return list(dict.fromkeys(messages))[-_SHOWN_EVENTS:]


def check_now(task: Task, cluster: Cluster, obj: Object, condition: Condition) -> None:
    """Looks once. Raises InitializationError when the condition doesn't hold."""
    namespace = namespace_of(obj)

    def objects(kind: Kind) -> list[Object]:
        answer = cluster.list_objects(kind, namespace)
        return [{"apiVersion": kind.api_version, "kind": kind.kind, **entry} for entry in answer.get("items") or []]

    verdict = condition.judge(Snapshot(obj, {kind: objects(kind) for kind in condition.watched}))
    if not verdict.ready:
        raise InitializationError(obj, verdict.problems or (verdict.status,))


def until_gone(task: Task, cluster: Cluster, obj: Object, seconds: float, start: Callable[[], None]) -> None:
    """Calls `start`, which asks for the deletion, and returns when the object is gone.

    Raises NotDeletedError or CancelledError.
    """
    deadline = Deadline(seconds)
    with _watching(task, cluster, obj) as watch:
        start()
        last = obj
        while True:
            seen = watch.version
            found = next((entry for entry in watch.main.objects() if uid_of(entry) == uid_of(obj)), None)
            if watch.main.synced and found is None:
                return
            last = found or last
            task.status(_remains(last))
            if task.cancelled.is_set() or deadline.passed:
                reasons = [_remains(last), *watch.errors]
                if task.cancelled.is_set():
                    raise CancelledError(last, reasons)
                message = (
                    f"timed out waiting for {kind_of(last).kind} {name_of(last)!r} to be deleted after {seconds:.0f} s"
                )
                raise NotDeletedError("; ".join([message, *reasons]), last, reasons)
            watch.wait(seen, deadline.remaining)


def _remains(obj: Object) -> str:
    phase = text(lookup(obj, "status", "phase"))
    finalizers = ", ".join(text(entry) for entry in sequence(obj, "metadata", "finalizers"))
    blockers = [
        f"{text(entry.get('type'))}: {text(entry.get('message'))}"
        for entry in sequence(obj, "status", "conditions")
        if text(entry.get("type")).startswith("Namespace") and entry.get("status") == "True"
    ]
    details = "; ".join(
        [*([phase] if phase else []), *([f"finalizers: {finalizers}"] if finalizers else []), *blockers]
    )
    return f"{kind_of(obj).kind} {name_of(obj)!r} still exists" + (f" ({details})" if details else "")
