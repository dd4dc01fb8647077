"""What a machine knows that matters for a restore. Changes nothing; judged by whoever asked."""

from __future__ import annotations

import dataclasses
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

# The one package beside the standard library: cloud-init needs it, so every machine has it.
import yaml

from components.node.common.failure import Failure
from components.node.common.files import content_of
from components.node.etcd.client import EtcdClient
from components.node.etcd.snapshot.contents import fingerprints
from components.node.restore.data import set_aside_by
from components.node.restore.pods import API_SERVER, MEMBER
from components.node.restore.record import read_record
from components.node.restore.this_machine import Machine

_READ_SECONDS = 60


def evidence(machine: Machine) -> Mapping[str, Any]:
    """JSON. Raises Failure where the machine's own files can't be read."""
    record = read_record(machine.record)
    return {
        "machine": machine.name,
        "role": machine.role,
        "cluster": machine.cluster,
        "record": dataclasses.asdict(record) if record else None,
        "member": _member(machine) if machine.holds_member else None,
        "controlPlane": _control_plane(machine) if machine.is_control_plane else None,
    }


def _member(machine: Machine) -> Mapping[str, Any]:
    assert machine.client
    assert machine.etcd_pki
    return {
        **_served(machine.client),
        "version": _version(machine),
        "authorities": fingerprints(content_of(machine.etcd_pki / "ca.crt") or ""),
        "hasData": (machine.disk / "data" / "member").is_dir(),
        "freeBytes": shutil.disk_usage(machine.disk).free,
        "setAside": set_aside_by(machine.disk),
    }


def _served(client: EtcdClient) -> Mapping[str, Any]:
    """`why` says why the member does not serve; "" where it does."""
    (own,) = client.endpoints
    try:
        client.check_health(own)
        status = client.status(own)
        keys = client.count_keys(own, status.revision, _READ_SECONDS)
    except Failure as failure:
        return {"why": str(failure), "revision": 0, "keys": 0, "bytes": 0}
    return {"why": "", "revision": status.revision, "keys": keys, "bytes": status.size}


def _version(machine: Machine) -> str:
    """etcd's; "" where nothing says so."""
    if not machine.is_stacked:
        return machine.values.get("ETCD_VERSION", "")
    found = re.search(r"image: \S+?:v?(\d+\.\d+\.\d+)", content_of(machine.pods.manifest(MEMBER)) or "")
    return found[1] if found else ""


def _control_plane(machine: Machine) -> Mapping[str, Any]:
    try:
        machine.api_server.api_is_ready()
        why = ""
    except Failure as failure:
        why = str(failure)
    return {
        "why": why,
        "hasApiServer": machine.pods.manifest(API_SERVER).exists(),
        "kubernetesVersion": machine.values.get("KUBERNETES_VERSION", ""),
        "authorities": fingerprints(content_of(machine.kubernetes_pki / "ca.crt") or ""),
        "secretsKeys": sorted(encryption_keys(machine.etc / "api-server" / "encryption.yaml")),
    }


def encryption_keys(path: Path) -> Iterator[str]:
    """The keys that an EncryptionConfiguration has, each as PROVIDER:NAME; never their values. Raises Failure."""
    try:
        document = yaml.safe_load(content_of(path) or "{}")
        for resource in document.get("resources", ()):
            for provider in resource["providers"]:
                for name, settings in provider.items():
                    yield from (f"{name}:{key['name']}" for key in (settings or {}).get("keys", ()))
    except (yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
        # Not the error's own text: it may show a line of the file.
        raise Failure(f"{path} can't be read as an EncryptionConfiguration ({type(error).__name__})") from None
