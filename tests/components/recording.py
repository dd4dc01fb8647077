"""Runs a Pulumi program without an engine and records what it registers, options and secretness included.

pulumi.runtime.mocks.MockMonitor is no documented API; this is the only file that knows it.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import pulumi
from google.protobuf.json_format import MessageToDict
from pulumi.runtime import mocks, rpc
from pulumi.runtime import resource as registration
from pulumi.runtime.proto import source_pb2

from components.checks import reachable_api

Outputs = Callable[[str, str, Mapping[str, Any]], Mapping[str, Any]]
Answer = Mapping[str, Any] | Callable[[Mapping[str, Any]], Mapping[str, Any]]
Answers = Mapping[str, Answer]


@dataclass(frozen=True)
class Secret:
    """A property that was registered as a secret."""

    value: Any


@dataclass(frozen=True)
class AliasSpec:
    """What a resource was before: its type, its name, its parent's URN."""

    type: str
    name: str
    parent: str


@dataclass(frozen=True)
class Recorded:
    """A registered resource. `inputs` has camelCase keys; secrets in it are wrapped in Secret."""

    type: str
    name: str
    parent: str
    custom: bool
    inputs: Mapping[str, Any]
    ignore_changes: tuple[str, ...]
    delete_before_replace: bool
    deleted_with: str
    depends_on: frozenset[str]
    protect: bool
    retain_on_delete: bool
    aliases: tuple[AliasSpec, ...]
    transforms: int
    references: Mapping[str, frozenset[str]]

    @property
    def key(self) -> str:
        return f"{self.type} {self.name}"


@dataclass
class Recording:
    """What a program registered. `parent`, `deleted_with`, `depends_on` and `references` are `TYPE NAME` keys.

    `asked` are the URLs of API servers for whose answer it waited; here all answer.
    """

    resources: dict[str, Recorded] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def of_type(self, kind: str) -> list[Recorded]:
        return sorted((r for r in self.resources.values() if r.type == kind), key=lambda r: r.name)

    def named(self, kind: str, name: str) -> Recorded:
        return self.resources[f"{kind} {name}"]


class _Monitor(mocks.MockMonitor):
    def __init__(self, scripted: mocks.Mocks, recording: Recording) -> None:
        super().__init__(scripted)
        self.recording = recording
        self.keys: dict[str, str] = {}

    def RegisterResource(self, request: Any) -> Any:
        response = super().RegisterResource(request)  # type: ignore[no-untyped-call]
        if request.type == "pulumi:pulumi:Stack":
            return response
        recorded = Recorded(
            type=request.type,
            name=request.name,
            parent=self.keys.get(request.parent, ""),
            custom=request.custom,
            inputs=_plain(MessageToDict(request.object)),
            ignore_changes=tuple(request.ignoreChanges),
            delete_before_replace=request.deleteBeforeReplace,
            deleted_with=self.keys.get(request.deletedWith, ""),
            depends_on=frozenset(self.keys[urn] for urn in request.dependencies if urn in self.keys),
            protect=request.protect,
            retain_on_delete=request.retainOnDelete,
            aliases=tuple(
                AliasSpec(spec.type or request.type, spec.name or request.name, spec.parentUrn or request.parent)
                for spec in (alias.spec for alias in request.aliases)
            ),
            transforms=len(request.transforms),
            references={
                key: frozenset(self.keys[urn] for urn in found.urns if urn in self.keys)
                for key, found in request.propertyDependencies.items()
            },
        )
        self.keys[response.urn] = recorded.key
        self.recording.resources[recorded.key] = recorded
        return response


class _Scripted(mocks.Mocks):
    def __init__(self, outputs: Outputs, answers: Answers) -> None:
        self._outputs = outputs
        self._answers = answers

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        return f"{args.name}-id", {**args.inputs, **self._outputs(args.typ, args.name, args.inputs)}

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        if args.token not in self._answers:
            raise KeyError(f"the program asks {args.token}, which this test does not answer")
        answer = self._answers[args.token]
        return dict(answer(args.args) if callable(answer) else answer), []


def record(program: Callable[[], None], outputs: Outputs, answers: Answers) -> Recording:
    """Runs `program` to its end, with every output resolved; an exception in it, or in an apply, is raised."""
    recording = Recording()
    scripted = _Scripted(outputs, answers)
    pulumi.runtime.set_mocks(
        scripted, project="quorate", stack="test", preview=False, monitor=_Monitor(scripted, recording)
    )

    @pulumi.runtime.test  # type: ignore[untyped-decorator]
    def run() -> None:
        program()

    def answering(url: str) -> str:
        recording.asked.append(url)
        return ""

    # As in __main__.py: half of the time went into looking for garbage.
    gc.disable()
    try:
        with (
            mock.patch.object(reachable_api, "last_error", answering),
            # Where in the program a resource was made: a fifth of the time, and no test asks.
            mock.patch.object(registration, "_get_stack_trace", source_pb2.StackTrace),
        ):
            run()
    finally:
        gc.enable()
    return recording


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        if value.get(rpc._special_sig_key) == rpc._special_secret_sig:
            return Secret(_plain(value["value"]))
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value
