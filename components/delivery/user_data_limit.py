"""Settings whose user data would exceed EC2's limit, found before anything is made. Pure."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace

from components.delivery.cloud_config import LIMIT_BYTES, cloud_config, packed
from components.delivery.control_plane_files import control_plane_files
from components.delivery.node_files import NodeFile, boot_files, boot_units
from components.delivery.worker_files import worker_files
from components.kubeadm.documents import ControlPlaneNode
from components.kubeadm.labels import Place
from components.network_plugins.network_plugin import network_plugin
from components.plan import Plan, host_key_parameter
from components.settings.model import ContainerSettings, Settings, WorkerPoolSettings
from components.settings.problems import Problem
from components.settings.rules.facts import NAMESPACE

# In place of what AWS and the certificate authority say later: as long as the longest, and as hard to compress.
_REGION = "xq-northwest-9"
_PLACE = Place(_REGION, "xq-northwest-9-vkz-7j")
_ADDRESS = "203.179.148.165"
_VOLUME_ID = "vol-0b7d19e6a3f58c42d"
_CERTIFICATE_BYTES = 460
# Names and addresses of the machines of one role differ, and gzip makes a few bytes more or less of them.
_MARGIN_BYTES = 64
_MIRRORS = "containers.registryMirrors"


def exceeded_user_data(settings: Settings) -> Iterator[Problem]:
    """What to shorten where EC2 would refuse the user data of the control planes, or of a pool.

    No setting of open length is in the user data of etcd members and of the bastion.
    """
    size = control_plane_bytes(settings)
    if size > LIMIT_BYTES:
        shorter = replace(settings, control_plane=replace(settings.control_plane, api_server_arguments={}))
        rest = {
            "controlPlane.apiServerArguments": control_plane_bytes(shorter),
            _MIRRORS: control_plane_bytes(_without_mirrors(settings)),
        }
        yield _problem("the control planes", size, rest)
    for index, pool in enumerate(settings.workers):
        size = worker_bytes(settings, pool)
        if size > LIMIT_BYTES:
            rest = {
                f"workers[{index}].labels": worker_bytes(settings, replace(pool, labels={})),
                f"workers[{index}].taints": worker_bytes(settings, replace(pool, taints=())),
                _MIRRORS: worker_bytes(_without_mirrors(settings), pool),
            }
            yield _problem(f"pool {pool.name}", size, rest)


def control_plane_bytes(settings: Settings) -> int:
    """The most that the user data of a control plane takes, in bytes as EC2 counts them."""
    plan = Plan(settings)
    machine = plan.control_planes[-1]
    node = ControlPlaneNode(machine, _PLACE, _ADDRESS)
    files = control_plane_files(plan, node, network_plugin(plan), "" if plan.etcd_is_external else _VOLUME_ID)
    return _bytes(machine.name, host_key_parameter(settings.cluster.name, machine.name), files)


def worker_bytes(settings: Settings, pool: WorkerPoolSettings) -> int:
    """The most that the user data of a pool's workers takes, in bytes as EC2 counts them."""
    plan = Plan(settings)
    return _bytes(pool.name, None, worker_files(plan, pool, network_plugin(plan), _certificate(), _REGION))


def _bytes(hostname: str, parameter: str | None, files: tuple[NodeFile, ...]) -> int:
    return len(packed(cloud_config(hostname, parameter, boot_files(files), boot_units(files)))) + _MARGIN_BYTES


def _without_mirrors(settings: Settings) -> Settings:
    return replace(settings, containers=ContainerSettings())


def _certificate() -> str:
    noise = hashlib.shake_256(b"certificate").digest(_CERTIFICATE_BYTES)
    return f"-----BEGIN CERTIFICATE-----\n{base64.encodebytes(noise).decode()}-----END CERTIFICATE-----\n"


def _problem(whose: str, size: int, rest: Mapping[str, int]) -> Problem:
    """`rest` is the size that remains without the value at a key path."""
    largest = min(rest, key=lambda key_path: rest[key_path])
    return Problem(
        f"{NAMESPACE}:{largest}",
        f"{size - rest[largest]:,} of the {size:,} bytes of user data of {whose}",
        f"Shorten or remove entries: EC2 takes {LIMIT_BYTES:,} bytes of user data, compressed.",
    )
