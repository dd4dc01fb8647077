"""What a stack exports: how to reach the cluster and its machines."""

from __future__ import annotations

from collections.abc import Iterable

from pulumi import Output

from components.kubeadm.kubeconfig import operator_kubeconfig
from components.machines.identity import MachineIdentity
from components.pki import Pki
from components.plan import Plan


def kubeconfig(plan: Plan, api_address: Output[str], pki: Pki) -> Output[str]:
    """The operator's, as a secret."""
    return Output.secret(
        Output.all(api_address, pki.authority, pki.operator_certificate, pki.operator_key).apply(
            lambda known: operator_kubeconfig(plan, *known)
        )
    )


def known_hosts(machines: Iterable[MachineIdentity]) -> Output[str]:
    """Host keys in the format of OpenSSH, a line for each machine."""
    return Output.all(
        *(Output.format("{0} {1}", machine.address, machine.host_key.public_key) for machine in machines)
    ).apply(lambda lines: "\n".join(line.strip() for line in lines) + "\n")
