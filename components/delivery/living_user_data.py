"""User data of a living pool: another release of the program, by itself, replaces no worker. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from components.delivery.boot_sources import without_comments
from components.delivery.cloud_config import CloudConfig, read_cloud_config
from components.delivery.node_files import BIN, LIB, UNITS

# What acts on a machine. The rest of its files says what the machine is to be.
_PROGRAM = (f"{BIN}/", f"{LIB}/", f"{UNITS}/")


def kept(living: str, new: str) -> str:
    """`living` where `new` says the same by means of another program; else `new`.

    A group replaces each of its machines when its user data changes, and a worker that runs has no use for another way
    to join. So the program that a pool boots with changes with the next setting that concerns its machines.
    """
    before, after = read_cloud_config(living), read_cloud_config(new)
    return living if before and after and _meant(before) == _meant(after) else new


def _meant(found: CloudConfig) -> Mapping[str, object]:
    # With or without comments it says the same.
    files = {
        path: without_comments(path, content) for path, content in found.files.items() if not path.startswith(_PROGRAM)
    }
    return {**files, "hostname": found.rest.get("hostname")}
