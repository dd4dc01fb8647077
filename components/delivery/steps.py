"""The two remote commands of a machine that is told its files: first its keys, in silence, then all that is shown."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from pulumi import CustomResource, Output, Resource

from components.delivery.node_files import NodeFile, bundle
from components.delivery.remote import RemoteMachine, run_scripts


def fingerprint(*texts: str) -> str:
    """Changes with each of the texts: a command that is given it runs again when they change."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


def deliver_and_configure(
    name: str,
    machine: RemoteMachine,
    keys: Output[tuple[NodeFile, ...]],
    files: Output[tuple[NodeFile, ...]],
    configure: str,
    parent: Resource,
    after: Sequence[Resource] = (),
) -> CustomResource:
    """Complete when the script `configure` is. Changed keys are installed again, changed files configured again."""
    delivered = run_scripts(
        f"{name}-pki",
        machine,
        [["receive-files.sh"], ["install-certificates.sh", "renewed"]],
        stdin=Output.secret(keys.apply(bundle)),
        parent=parent,
        secret=True,
    )
    return run_scripts(
        f"{name}-configure",
        machine,
        [["receive-files.sh"], [configure]],
        stdin=files.apply(bundle),
        parent=parent,
        depends_on=[delivered, *after],
    )
