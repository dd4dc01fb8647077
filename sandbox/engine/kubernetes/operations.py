"""Create, read, update and delete one object, and wait for it, as pulumi-kubernetes does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.engine.kubernetes import ssa
from sandbox.engine.kubernetes.awaiting.conditions import (
    condition_for,
    propagation,
    timeout_seconds,
    waits_for_deletion,
)
from sandbox.engine.kubernetes.awaiting.verdict import Condition
from sandbox.engine.kubernetes.awaiting.wait import check_now, until_gone, until_ready
from sandbox.engine.kubernetes.cluster import Cluster, NoMatchError
from sandbox.engine.kubernetes.naming import random_suffix
from sandbox.engine.kubernetes.normalize import is_crd
from sandbox.engine.kubernetes.objects import Object, annotation, lookup, name_of, set_in, uid_of
from sandbox.engine.kubernetes.rest import ApiError, UnreachableError
from sandbox.engine.kubernetes.settings import Settings
from sandbox.engine.kubernetes.task import Deadline, Task
from sandbox.engine.plugin.differences import Path

DELETION_SECONDS = 600.0
_MISORDER_SECONDS = 30.0
_CONFLICT_HELP = (
    "https://www.pulumi.com/registry/packages/kubernetes/how-to-guides/managing-resources-with-server-side-apply/"
    "#handle-field-conflicts-on-existing-resources"
)


@dataclass(frozen=True)
class Operation:
    """An operation on one object of the cluster: who does it, and how."""

    task: Task
    cluster: Cluster
    settings: Settings
    manager: str
    patch: bool
    preview: bool = False
    timeout: float = 0.0

    def create(self, inputs: Object) -> Object:
        """Makes the object and waits until it's ready. Raises PartialError when it exists but isn't ready."""
        condition = self._condition(inputs)
        created = self._retried(lambda: self._made(inputs))
        self.task.clear()
        if self.preview:
            return created
        self._await(inputs, created, condition)
        return self._now(created)

    def _made(self, inputs: Object) -> Object:
        force = self._forces(inputs)
        if self.patch or self.settings.upsert:
            return self._explained(
                lambda: self.cluster.apply(inputs, self.manager, force=force or self.preview, dry_run=self.preview)
            )
        try:
            return self.cluster.create(inputs, self.manager, dry_run=self.preview)
        except ApiError as error:
            if not (self.preview and error.field_immutable):
                raise
        # A replacement: the old object is still there, and only its name is in the way.
        renamed = {**inputs, "metadata": {**inputs["metadata"], "name": f"{name_of(inputs)}{random_suffix(b'')[:5]}"}}
        return self.cluster.create(renamed, self.manager, dry_run=True)

    def _retried(self, attempt: Callable[[], Object]) -> Object:
        """Tries again for a while when a namespace or a kind is missing that may be on its way."""
        deadline, pause, number = Deadline(_MISORDER_SECONDS), 0.25, 1
        while True:
            try:
                return attempt()
            except (ApiError, NoMatchError) as error:
                missing = isinstance(error, NoMatchError) or error.not_found
                if not missing or self.preview or deadline.passed:
                    raise
                self.task.status(f"Retry #{number}; creation failed: {error}")
                if not self.task.pause(min(pause, deadline.remaining)):
                    raise
            pause, number = min(pause * 2, 5.0), number + 1

    def update(self, inputs: Object, name: str, ignored: Sequence[Path]) -> Object:
        """Changes the live object and waits until it's ready. Raises PartialError when that doesn't happen."""
        condition = self._condition(inputs)
        live = self.cluster.get(inputs, name)
        if is_crd(inputs) and not self.patch:
            set_in(inputs, lookup(live, "metadata", "resourceVersion"), "metadata", "resourceVersion")
            updated = self.cluster.replace(inputs, self.manager, dry_run=self.preview)
        else:
            updated = self._applied(inputs, live, name, ignored)
        if self.preview:
            return updated
        self._await(inputs, updated, condition)
        return self._now(updated)

    def _applied(self, inputs: Object, live: Object, name: str, ignored: Sequence[Path]) -> Object:
        if not self.patch and not self.preview:
            steps = ssa.takeover(live, self.manager)
            if steps:
                live = self.cluster.patch_json(live, steps)
        ssa.ignore(inputs, live, self.manager, ignored)
        # What the creation wrote still has its former owner in a dry run.
        force = self._forces(inputs) or (self.preview and bool(ssa.takeover(live, self.manager)))
        target = inputs if name_of(inputs) else {**inputs, "metadata": {**inputs.get("metadata", {}), "name": name}}
        return self._explained(lambda: self.cluster.apply(target, self.manager, force=force, dry_run=self.preview))

    def read(self, inputs: Mapping[str, Any], name: str, *, check: bool) -> Object:
        """The live object. Raises PartialError when `check` finds that it isn't ready."""
        live = self.cluster.get(inputs, name)
        condition = condition_for(inputs, everything=self.settings.await_all, reading=True) if check else None
        if condition is not None:
            check_now(self.task, self.cluster, live, condition)
        return live

    def delete(self, inputs: Mapping[str, Any], live: Object, name: str) -> None:
        """Returns when the object is gone. Raises PartialError when it's not gone in time."""
        if self.patch:
            self.relinquish(live, self.manager)
            return
        try:
            current = self.cluster.get(live, name)
            ask = self._asked_to_delete(inputs, current)
            if not waits_for_deletion(inputs):
                ask()
                return
            seconds = timeout_seconds(self.timeout, inputs, DELETION_SECONDS)
            until_gone(self.task, self.cluster, current, seconds, ask)
            self.task.clear()
        except ApiError as error:
            if error.code == 403 and uid_of(live):
                self.task.log.warning(self.task.urn, f"the API server forbids the deletion, so it stays: {error}")
                self.relinquish(live, self.manager)
            elif not error.not_found:
                raise

    def _asked_to_delete(self, inputs: Mapping[str, Any], current: Object) -> Callable[[], None]:
        return lambda: self.cluster.delete(current, propagation(inputs))

    def relinquish(self, live: Mapping[str, Any], manager: str) -> None:
        """Gives up every field that `manager` owns."""
        self.cluster.apply(ssa.identity(live), manager)

    def _condition(self, inputs: Object) -> Condition | None:
        """Read before anything is changed, so that an annotation that says nonsense leaves nothing behind."""
        return None if self.patch else condition_for(inputs, everything=self.settings.await_all)

    def _await(self, inputs: Object, obj: Object, condition: Condition | None) -> None:
        if condition is not None:
            seconds = timeout_seconds(self.timeout, inputs, condition.seconds)
            until_ready(self.task, self.cluster, obj, condition, seconds)
            self.task.clear()

    def _now(self, obj: Object) -> Object:
        """The object as it is by now; as it was, when the cluster can't tell: it does exist."""
        try:
            return self.cluster.get(obj)
        except (ApiError, NoMatchError, UnreachableError):
            return obj

    def _forces(self, inputs: Mapping[str, Any]) -> bool:
        return annotation(inputs, "pulumi.com/patchForce") == "true" or self.settings.force

    def _explained(self, apply: Callable[[], Object]) -> Object:
        try:
            return apply()
        except ApiError as error:
            if error.code != 409 or error.reason == "AlreadyExists":
                raise
            raise ApiError(
                error.code,
                error.reason,
                f"Server-Side Apply field conflict detected. See {_CONFLICT_HELP} for troubleshooting help.\n"
                f'The resource managed by field manager "{self.manager}" had an apply conflict: {error}',
                error.details,
            ) from None
