"""The bastion: a small machine in a public subnet that others are reached through by SSH."""

from __future__ import annotations

from pulumi import Output, ResourceOptions

from components.delivery.node_files import NodeFile
from components.machines.identity import MachineIdentity
from components.machines.machine import Machine
from components.site import Site

# `pulumi up` opens connections to all machines at once; by default sshd drops some when ten are not yet logged in.
_SSHD = NodeFile(
    "/etc/ssh/sshd_config.d/60-bastion.conf",
    "MaxStartups 100:30:200\nMaxSessions 200\nX11Forwarding no\nAllowAgentForwarding no\n",
)


class Bastion:
    """Holds nothing and may be replaced at any time; its address and its host key stay."""

    identity: MachineIdentity
    machine: Machine

    def __init__(self, name: str, site: Site, opts: ResourceOptions | None = None) -> None:
        """For a plan that has one."""
        assert site.plan.bastion is not None
        self.identity = MachineIdentity(f"{name}-{site.plan.bastion.name}", site.plan.bastion, site, opts=opts)
        self.machine = Machine(self.identity, site, Output.from_input((_SSHD,)))
        self.identity.record()
