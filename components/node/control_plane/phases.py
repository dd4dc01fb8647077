"""Phases of kubeadm on a machine that is initialized."""

from __future__ import annotations

from pathlib import Path

from components.node.common.failure import Failure
from components.node.common.kubeadm import hide_tokens
from components.node.common.programs import stream
from components.node.control_plane.this_machine import ThisMachine


def run_phase(machine: ThisMachine, *phase: str, configuration: Path | None = None) -> None:
    """A phase of `kubeadm init` with the delivered documents, or those in `configuration`. Raises Failure where it
    fails.
    """
    command = ["kubeadm", "init", "phase", *phase, "--config", str(configuration or machine.folders.configuration)]
    if stream(command, shown=indented) != 0:
        raise Failure(f"kubeadm init phase {' '.join(phase)} failed; its messages are above")


def indented(line: str) -> str | None:
    """Another program's line below one of this program's own, without tokens."""
    text = hide_tokens(line)
    return None if text is None else f"  {text}"
