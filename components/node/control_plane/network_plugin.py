"""Applies the manifest on standard input. Nodes become Ready through it, so it cannot wait for an add-on manager."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence

from components.node.common import log
from components.node.common.failure import Failure
from components.node.common.kubectl import Kubectl, admin_kubectl
from components.node.common.step import run_step, usage
from components.node.common.waiting import wait_until

_STEP = "apply-network-plugin"


def main(arguments: Sequence[str]) -> int:
    if arguments:
        return usage(f"usage: quorate-node {_STEP} <MANIFEST")
    return run_step(_STEP, lambda: apply_manifest(sys.stdin.read(), admin_kubectl))


def apply_manifest(manifest: str, kubectl: Kubectl) -> None:
    """Makes the objects of `manifest` what it says they are, also where others have changed them."""
    if not manifest.strip():
        raise Failure("no manifest arrived on standard input")
    wait_until(120, "the API server to be ready", kubectl.api_is_ready)
    # A young API server takes its time for a dozen of definitions.
    patient = dataclasses.replace(kubectl, request_seconds=60)
    options = ("--server-side", "--force-conflicts", "--field-manager", "quorate", "--filename", "-")
    log.write(patient.run("apply", *options, stdin=manifest, seconds=600))
