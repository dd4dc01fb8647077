"""What a resource delivers to machines, by a command's input or by user data. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from components.delivery.cloud_config import CloudConfig, read_cloud_config, unpacked
from components.delivery.node_files import NODE_ENV, read_environment_file
from components.node.common.bundle import BundleError, read_bundle
from policies.machines import COMMAND
from policies.model import Resource
from policies.values import texts


def user_data(resource: Resource) -> str:
    """A machine's user data, unpacked, with the files of a cloud-config as they will be on the machine.

    Empty without any, or while it is unknown.
    """
    packed = _packed(resource)
    config = _cloud_config(packed)
    # YAML may have quoted its texts beyond recognition.
    return "\n".join((unpacked(packed), *(texts(config.document) if config else ())))


def files(resource: Resource) -> Mapping[str, str]:
    """The files that a resource delivers, path to content."""
    if resource.type != COMMAND:
        config = _cloud_config(_packed(resource))
        return config.files if config else {}
    try:
        return {file.path: file.content for file in read_bundle(str(resource.get("stdin")))}
    except BundleError:
        return {}


def node_environment(resource: Resource) -> Mapping[str, str]:
    """What a resource says to its machines about themselves."""
    return read_environment_file(files(resource).get(NODE_ENV, ""))


def _packed(resource: Resource) -> str:
    values = (resource.get(key) for key in ("userDataBase64", "userData"))
    return next((value for value in values if isinstance(value, str) and value), "")


@lru_cache(maxsize=256)
def _cloud_config(packed: str) -> CloudConfig | None:
    """Several rules read the same user data, and YAML is slow."""
    return read_cloud_config(packed)
