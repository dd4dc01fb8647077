"""Where containerd looks for the images of a registry first. Pure.

containerd reads these files at each pull: a change takes effect without a restart.
"""

from __future__ import annotations

import json
import re
from typing import Final
from urllib.parse import urlsplit

from components.delivery.node_files import SHARE, NodeFile
from components.settings.containers import ContainerSettings, RegistryMirrors

# Among what a release brings, so that a mirror that is not delivered any more is removed. A link of each registry's
# folder leads here (configure-containerd.sh).
FOLDER: Final = f"{SHARE}/certs.d"
_API: Final = re.compile(r"(^|/)v2(/|$)")


def registry_mirror_files(containers: ContainerSettings) -> tuple[NodeFile, ...]:
    """A file for each registry that has mirrors, needed from the first boot on, when images are pulled."""
    return tuple(
        NodeFile(f"{FOLDER}/{mirrors.registry}/hosts.toml", _hosts(mirrors)) for mirrors in containers.registry_mirrors
    )


def _hosts(mirrors: RegistryMirrors) -> str:
    """containerd's hosts.toml (https://github.com/containerd/containerd/blob/main/docs/hosts.md).

    It names no server, so after the mirrors containerd asks the registry itself. The path of the registry's API stands
    in it: left to itself, containerd would add it also behind a path that has it already.
    """
    return "".join(
        f'[host.{json.dumps(_root(endpoint))}]\ncapabilities = ["pull", "resolve"]\noverride_path = true\n'
        for endpoint in mirrors.endpoints
    )


def _root(endpoint: str) -> str:
    """Where the mirror's API begins: Harbor, for one, has `/v2` before the name of a project."""
    plain = endpoint.rstrip("/")
    return plain if _API.search(urlsplit(plain).path) else f"{plain}/v2"
