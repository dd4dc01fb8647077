"""Check and Diff: what a program's inputs become, and what a change of them means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sandbox.engine.kubernetes import naming
from sandbox.engine.kubernetes.access import Access, DeclaredKinds
from sandbox.engine.kubernetes.awaiting.verdict import Snapshot
from sandbox.engine.kubernetes.awaiting.workloads import JobCondition
from sandbox.engine.kubernetes.checkpoint import mark_secrets, parse_checkpoint, to_object, to_properties
from sandbox.engine.kubernetes.cluster import NoMatchError
from sandbox.engine.kubernetes.diff import PropertyChange, compare
from sandbox.engine.kubernetes.normalize import has_unknowns, is_crd, normalize
from sandbox.engine.kubernetes.objects import (
    Kind,
    Object,
    annotation,
    kind_of,
    lookup,
    mapping,
    name_of,
    namespace_of,
    prune,
    remove_in,
    set_in,
    text,
)
from sandbox.engine.kubernetes.replacements import forced
from sandbox.engine.kubernetes.rest import ApiError, UnreachableError
from sandbox.engine.kubernetes.settings import Settings
from sandbox.engine.kubernetes.tokens import Token, name_of_urn, namespaced
from sandbox.engine.plugin.differences import Change, Path
from sandbox.engine.plugin.properties import Properties, Unknown, Value

REPLACE_UNREADY = "pulumi.com/replaceUnready"
_HOOK = "helm.sh/hook"


@dataclass(frozen=True)
class Autonaming:
    """The engine's wishes for a name: mode as in naming.assign_name."""

    seed: bytes = b""
    proposed: str = ""
    mode: str = ""


@dataclass(frozen=True)
class Difference:
    """What a change of inputs means for the object."""

    changes: list[PropertyChange]
    replaces: list[str]
    delete_first: bool


@dataclass(frozen=True)
class Lifecycle:
    """The rules for objects of one provider."""

    settings: Settings
    access: Access
    declared: DeclaredKinds

    def is_patch(self, token: Token, inputs: Mapping[str, object]) -> bool:
        """Also of custom kinds, whose token alone doesn't say."""
        return token.patch or (not token.builtin and token.kind.kind == f"{text(inputs.get('kind'))}Patch")

    def check(self, urn: str, token: Token, olds: Properties, news: Properties, autonaming: Autonaming) -> Properties:
        """The inputs to work with: named, in a namespace, in the server's form. Raises ValueError."""
        inputs = normalize(to_object(news))
        inputs.setdefault("apiVersion", token.kind.api_version)
        inputs.setdefault("kind", token.kind.kind)
        inputs.setdefault("metadata", {})
        if self.is_patch(token, inputs):
            if not naming.is_named(inputs):
                raise ValueError("patch resources require the `.metadata.name` field to be set")
        elif olds:
            naming.adopt_name(inputs, to_object(olds))
        else:
            naming.assign_name(inputs, name_of_urn(urn), autonaming.seed, autonaming.proposed, autonaming.mode)
        if not naming.is_named(inputs) and lookup(inputs, "metadata", "generateName"):
            raise ValueError("the `.metadata.generateName` field is not supported in Server-Side Apply mode")
        named = namespace_of(inputs) or has_unknowns(lookup(inputs, "metadata", "namespace"))
        open_ended = isinstance(inputs["metadata"], Unknown)
        if self.access.namespace and not named and not open_ended and self.is_namespaced(kind_of(inputs)):
            set_in(inputs, self.access.namespace, "metadata", "namespace")
        if is_crd(inputs):
            self.declared.add(inputs)
        checked = to_properties(inputs)
        mark_secrets(checked, news)
        return checked

    def warnings(self, news: Mapping[str, Value]) -> list[str]:
        """What the inputs ask for and don't get."""
        inputs = to_object(news)
        found = []
        for key, value in mapping(inputs, "metadata", "annotations").items():
            if key.startswith(naming.AUTONAMED):
                found.append(f'ignoring user-specified value for internal annotation "{key}"')
            if key.startswith(_HOOK) and "test" in text(value) and self.settings.helm_hook_warnings:
                found.append(
                    "This resource contains Helm hooks that are not currently supported by Pulumi. The resource will "
                    "be created, but any hooks will not be executed."
                )
        return found

    def is_namespaced(self, kind: Kind) -> bool:
        """Of a kind that nobody knows yet, a namespace is assumed."""
        for known in (namespaced(kind), self.declared.is_namespaced(kind)):
            if known is not None:
                return known
        try:
            return self.access.cluster is None or self.access.cluster.is_namespaced(kind)
        except UnreachableError:
            return True

    def diff(self, token: Token, olds: Properties, news: Properties, ignored: Iterable[Path]) -> Difference:
        """Compares the live object, as far as the program wrote it, with the new inputs."""
        old_inputs, live = parse_checkpoint(olds)
        old_inputs, inputs = normalize(old_inputs), normalize(to_object(news))
        before: Object = prune(live, old_inputs)
        before.setdefault("apiVersion", inputs.get("apiVersion"))
        before.setdefault("kind", inputs.get("kind"))
        before.setdefault("metadata", {})
        inputs.setdefault("metadata", {})
        remove_in(before, "metadata", "resourceVersion")
        self._align_namespaces(before, inputs)
        if name_of(inputs):
            set_in(before, name_of(live), "metadata", "name")
        patterns = forced(
            inputs,
            mutable_config_maps=self.settings.mutable_config_maps,
            mutable_secrets=self.settings.mutable_secrets,
            patch=self.is_patch(token, inputs),
        )
        changes = compare(before, inputs, old_inputs, patterns, ignored)
        replaces = [
            entry.key for entry in changes if entry.replaces or (entry.change, entry.key) == (Change.DELETE, "metadata")
        ]
        if annotation(inputs, REPLACE_UNREADY) == "true" and self._is_unready_job(live):
            replaces.append(f'.metadata.annotations["{REPLACE_UNREADY}"]')
        delete_first = (
            bool(replaces)
            and naming.is_named(inputs)
            and not naming.is_autonamed(inputs)
            and name_of(inputs) == name_of(live)
            and namespace_of(inputs) == namespace_of(live)
        )
        return Difference(changes, replaces, delete_first)

    def _align_namespaces(self, before: Object, inputs: Object) -> None:
        """No namespace means `default` where there are namespaces, and nothing where there are none."""
        inside = self.is_namespaced(kind_of(inputs))
        for obj in (before, inputs):
            current = lookup(obj, "metadata", "namespace")
            if isinstance(obj["metadata"], Unknown) or isinstance(current, Unknown):
                continue
            if not inside:
                remove_in(obj, "metadata", "namespace")
            elif not text(current):
                set_in(obj, "default", "metadata", "namespace")

    def _is_unready_job(self, live: Object) -> bool:
        if kind_of(live).kind != "Job" or self.access.cluster is None:
            return False
        try:
            current = self.access.cluster.get(live)
        except (ApiError, NoMatchError, UnreachableError):
            return False
        return not JobCondition().judge(Snapshot(current)).ready
