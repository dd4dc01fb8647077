"""Objects of one cluster: discovery of kinds, and get, list, watch, create, apply, replace, patch and delete."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import urllib3

from sandbox.engine.kubernetes.objects import Kind, Object, kind_of, name_of, namespace_of
from sandbox.engine.kubernetes.rest import ApiError, Rest
from sandbox.engine.kubernetes.tokens import namespaced

APPLY = "application/apply-patch+yaml"
JSON_PATCH = "application/json-patch+json"


class NoMatchError(Exception):
    """The cluster serves no such kind (yet)."""

    def __init__(self, kind: Kind) -> None:
        super().__init__(f'no matches for kind "{kind.kind}" in version "{kind.api_version}"')
        self.kind = kind


@dataclass(frozen=True)
class Served:
    """How the cluster serves a kind: the plural in its path, and whether it lives in namespaces."""

    plural: str
    namespaced: bool


class Cluster:
    """A cluster's API, thread-safe. Every method raises ApiError, NoMatchError or UnreachableError."""

    def __init__(self, rest: Rest, default_namespace: str) -> None:
        self.rest = rest
        self.default_namespace = default_namespace
        self._served: dict[str, dict[str, Served]] = {}
        self._lock = threading.Lock()

    def version(self) -> tuple[int, int]:
        """The server's (major, minor)."""
        answer = self.rest.request("GET", "/version")
        return int(answer["major"]), int(str(answer["minor"]).rstrip("+"))

    def forget_kinds(self) -> None:
        """Asks anew for what the cluster serves: a CustomResourceDefinition came or went."""
        with self._lock:
            self._served.clear()

    def serves(self, kind: Kind) -> bool:
        try:
            self.served(kind)
        except NoMatchError:
            return False
        return True

    def is_namespaced(self, kind: Kind) -> bool:
        """Of a kind that the cluster doesn't know, a namespace is assumed."""
        known = namespaced(kind)
        if known is not None:
            return known
        try:
            return self.served(kind).namespaced
        except NoMatchError:
            return True

    def served(self, kind: Kind) -> Served:
        """Asks the cluster for the kinds of a group and version once; for a kind that is missing, again."""
        with self._lock:
            known = self._served.get(kind.api_version, {})
        if kind.kind not in known:
            try:
                answer = self.rest.request("GET", _prefix(kind))
            except ApiError as error:
                if error.not_found:
                    raise NoMatchError(kind) from None
                raise
            known = {
                entry["kind"]: Served(entry["name"], bool(entry["namespaced"]))
                for entry in answer.get("resources") or []
                if "/" not in entry["name"]
            }
            with self._lock:
                self._served[kind.api_version] = known
        if kind.kind not in known:
            raise NoMatchError(kind)
        return known[kind.kind]

    def path(self, kind: Kind, namespace: str, name: str = "") -> str:
        served = self.served(kind)
        middle = f"/namespaces/{quote(namespace or self.default_namespace, safe='')}" if served.namespaced else ""
        return f"{_prefix(kind)}{middle}/{served.plural}" + (f"/{quote(name, safe='')}" if name else "")

    def get(self, obj: Mapping[str, Any], name: str = "") -> Object:
        """The live object that has the kind, namespace and name of `obj`."""
        found: Object = self.rest.request("GET", self._path_of(obj, name))
        return found

    def list_objects(self, kind: Kind, namespace: str, query: Mapping[str, str] | None = None) -> Object:
        answer: Object = self.rest.request("GET", self.path(kind, namespace), query)
        return answer

    def watch(self, kind: Kind, namespace: str, query: Mapping[str, str]) -> urllib3.BaseHTTPResponse:
        return self.rest.stream(self.path(kind, namespace), {**query, "watch": "true"})

    def create(self, obj: Mapping[str, Any], manager: str, *, dry_run: bool = False) -> Object:
        query = {"fieldManager": manager, "fieldValidation": "Warn", **_dry(dry_run)}
        path = self.path(kind_of(obj), namespace_of(obj))
        created: Object = self.rest.request("POST", path, query, self._sent(obj))
        return created

    def apply(self, obj: Mapping[str, Any], manager: str, *, force: bool = False, dry_run: bool = False) -> Object:
        """Server-side apply: makes the object or changes the fields that `manager` owns."""
        query = {"fieldManager": manager, "force": str(force).lower(), "fieldValidation": "Warn", **_dry(dry_run)}
        applied: Object = self.rest.request("PATCH", self._path_of(obj), query, self._sent(obj), APPLY)
        return applied

    def replace(self, obj: Mapping[str, Any], manager: str, *, dry_run: bool = False) -> Object:
        query = {"fieldManager": manager, **_dry(dry_run)}
        replaced: Object = self.rest.request("PUT", self._path_of(obj), query, self._sent(obj))
        return replaced

    def patch_json(self, obj: Mapping[str, Any], steps: list[Any]) -> Object:
        patched: Object = self.rest.request("PATCH", self._path_of(obj), None, steps, JSON_PATCH)
        return patched

    def delete(self, obj: Mapping[str, Any], propagation: str) -> None:
        body = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": propagation}
        self.rest.request("DELETE", self._path_of(obj), None, body)

    def _path_of(self, obj: Mapping[str, Any], name: str = "") -> str:
        return self.path(kind_of(obj), namespace_of(obj), name or name_of(obj))

    def _sent(self, obj: Mapping[str, Any]) -> dict[str, Any]:
        """The object as the server knows it: Pulumi calls the core group `core`, and may assume a namespace."""
        kind = kind_of(obj)
        sent = {**obj, "apiVersion": kind.api_version}
        if namespace_of(obj) and not self.served(kind).namespaced:
            sent["metadata"] = {key: value for key, value in obj["metadata"].items() if key != "namespace"}
        return sent


def _prefix(kind: Kind) -> str:
    return f"/apis/{kind.api_version}" if kind.group else f"/api/{kind.version}"


def _dry(dry_run: bool) -> dict[str, str]:
    return {"dryRun": "All"} if dry_run else {}
