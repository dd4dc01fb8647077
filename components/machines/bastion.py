"""The bastion: a small machine in a public subnet that others are reached through by SSH."""

from __future__ import annotations

from pulumi import Output, ResourceOptions

from components.delivery.node_files import NodeFile
from components.machines.machine import Machine, Shape, Site
from components.network.traffic import Party
from components.plan import BASTION, BASTION_INSTANCE_TYPE, BASTION_ROOT_GIB

# `pulumi up` opens connections to all machines at once; by default sshd drops some when ten are not yet logged in.
_SSHD = NodeFile(
    "/etc/ssh/sshd_config.d/50-quorate.conf",
    "MaxStartups 100:30:200\nMaxSessions 200\nClientAliveInterval 60\nX11Forwarding no\nAllowAgentForwarding no\n",
)


class Bastion(Machine):
    """Holds nothing and may be replaced at any time; its address and its host key stay."""

    def __init__(self, name: str, site: Site, opts: ResourceOptions | None = None) -> None:
        shape = Shape(
            party=Party.BASTION,
            instance_type=BASTION_INSTANCE_TYPE,
            root_volume_gib=BASTION_ROOT_GIB,
            subnet_id=site.network.public_subnet_ids[0],
            zone=site.network.zone_names[0],
            private_address=None,
            public=True,
            etcd_volume=False,
        )
        super().__init__("quorate:machines:Bastion", name, BASTION, site, shape, opts)
        self.start(Output.from_input((_SSHD,)))
        self.register()
