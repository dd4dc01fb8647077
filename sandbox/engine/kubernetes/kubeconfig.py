"""Reads a kubeconfig: which API server, how to trust it and how to identify oneself. No network."""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml


class KubeconfigError(ValueError):
    """A kubeconfig that can't be used; the message says which entry and why."""


@dataclass(frozen=True)
class Connection:
    """How to reach one API server. PEM fields are bytes; what holds a secret is left out of repr."""

    server: str
    namespace: str = "default"
    tls_server_name: str = ""
    insecure: bool = False
    authority: bytes = b""
    certificate: bytes = b""
    key: bytes = field(default=b"", repr=False)
    token: str = field(default="", repr=False)
    username: str = ""
    password: str = field(default="", repr=False)
    proxy: str = ""
    impersonate: str = ""


_CLUSTER = frozenset(
    {
        "server", "tls-server-name", "insecure-skip-tls-verify", "certificate-authority", "certificate-authority-data",
        "proxy-url", "disable-compression", "extensions",
    }
)  # fmt: skip
_USER = frozenset(
    {
        "client-certificate", "client-certificate-data", "client-key", "client-key-data", "token", "tokenFile",
        "username", "password", "as", "extensions",
    }
)  # fmt: skip


def load(contents_or_path: str) -> Mapping[str, Any]:
    """A kubeconfig document from YAML or JSON text, or from the file that the text names. Raises KubeconfigError."""
    text, folder = contents_or_path, Path.cwd()
    try:
        path = Path(contents_or_path).expanduser()
        if path.is_file():
            text, folder = path.read_text(), path.parent
    except OSError:  # text that is too long to be a path
        pass
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        # The problem's place alone: the text around it may hold a key.
        mark = getattr(error, "problem_mark", None)
        place = f" at line {mark.line + 1}" if mark else ""
        raise KubeconfigError(f"the kubeconfig is neither a file nor valid YAML{place}") from None
    if not isinstance(document, dict):
        raise KubeconfigError("the kubeconfig is neither a file nor a YAML mapping with clusters, users and contexts")
    return {**document, "__folder": str(folder)}


def ambient() -> Mapping[str, Any]:
    """The document that kubectl would use: the first file of $KUBECONFIG that exists, else ~/.kube/config."""
    listed = [entry for entry in os.environ.get("KUBECONFIG", "").split(os.pathsep) if entry]
    for candidate in listed or [str(Path.home() / ".kube/config")]:
        if Path(candidate).expanduser().is_file():
            return load(candidate)
    return {}


def active_cluster(document: Mapping[str, Any], context: str = "", cluster: str = "") -> Mapping[str, Any] | None:
    """The cluster entry that the current or named context points to; None where there is none."""
    chosen = _entry(document, "contexts", context or str(document.get("current-context") or ""))
    name = cluster or str((chosen or {}).get("cluster") or "")
    return None if chosen is None else _entry(document, "clusters", name)


def resolve(document: Mapping[str, Any], context: str = "", cluster: str = "", namespace: str = "") -> Connection:
    """The connection of the current context, with the provider's overrides. Raises KubeconfigError."""
    name = context or str(document.get("current-context") or "")
    chosen = _entry(document, "contexts", name)
    if chosen is None:
        known = ", ".join(str(entry.get("name")) for entry in document.get("contexts") or []) or "none"
        raise KubeconfigError(f"context {name!r} is not in the kubeconfig; it has: {known}")
    cluster_name = cluster or str(chosen.get("cluster") or "")
    target = _entry(document, "clusters", cluster_name)
    if target is None or not target.get("server"):
        raise KubeconfigError(f"cluster {cluster_name!r} of context {name!r} is missing or has no server")
    user_name = str(chosen.get("user") or "")
    user = _entry(document, "users", user_name) or {}
    _refuse_unknown("cluster", cluster_name, target, _CLUSTER)
    _refuse_unknown("user", user_name, user, _USER)
    folder = Path(str(document.get("__folder", ".")))
    server = str(target["server"])
    if urlsplit(server).scheme not in ("http", "https"):
        server = f"https://{server}"
    token = str(user.get("token") or "")
    if user.get("tokenFile"):
        token = _read(folder, str(user["tokenFile"]), "tokenFile").decode().strip()
    return Connection(
        server=server.rstrip("/"),
        namespace=namespace or str(chosen.get("namespace") or "default"),
        tls_server_name=str(target.get("tls-server-name") or ""),
        insecure=bool(target.get("insecure-skip-tls-verify")),
        authority=_data(folder, target, "certificate-authority"),
        certificate=_data(folder, user, "client-certificate"),
        key=_data(folder, user, "client-key"),
        token=token,
        username=str(user.get("username") or ""),
        password=str(user.get("password") or ""),
        proxy=str(target.get("proxy-url") or ""),
        impersonate=str(user.get("as") or ""),
    )


def _entry(document: Mapping[str, Any], section: str, name: str) -> Mapping[str, Any] | None:
    """What is under the singular key of the section's entry of that name."""
    for entry in document.get(section) or []:
        if isinstance(entry, Mapping) and entry.get("name") == name:
            inner = entry.get(section.removesuffix("s"))
            return inner if isinstance(inner, Mapping) else {}
    return None


def _refuse_unknown(what: str, name: str, entry: Mapping[str, Any], known: frozenset[str]) -> None:
    unknown = sorted(set(entry) - known)
    if unknown:
        raise KubeconfigError(
            f"{what} {name!r} of the kubeconfig uses {', '.join(unknown)}, which this stand-in for pulumi-kubernetes "
            "does not serve: use a client certificate, a token or a password"
        )


def _data(folder: Path, entry: Mapping[str, Any], key: str) -> bytes:
    encoded = entry.get(f"{key}-data")
    if encoded:
        try:
            return base64.b64decode(str(encoded), validate=True)
        except binascii.Error:
            raise KubeconfigError(f"{key}-data of the kubeconfig is not base64") from None
    return _read(folder, str(entry[key]), key) if entry.get(key) else b""


def _read(folder: Path, name: str, key: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except OSError as error:
        raise KubeconfigError(f"{key} of the kubeconfig: {folder / name}: {error.strerror}") from None
