"""Who may talk to whom, on which port, and why: the one table that security groups are built from. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from components.settings.model import Settings


class Party(StrEnum):
    """An end of a conversation. CONTROL_PLANE has a security group; the others are address ranges."""

    OPERATORS_SSH = "operators-ssh"
    OPERATORS_API = "operators-api"
    CONTROL_PLANE = "control-plane"
    INTERNET = "internet"


@dataclass(frozen=True)
class Traffic:
    """A kind of connection that is allowed; everything else is not. `protocol` is tcp or udp."""

    source: Party
    target: Party
    protocol: str
    ports: tuple[int, int]
    reason: str

    @property
    def name(self) -> str:
        """Stable: it is part of resource names."""
        first, last = self.ports
        span = str(first) if first == last else f"{first}-{last}"
        return f"{self.source}-to-{self.target}-{self.protocol}-{span}"


ALLOWED: tuple[Traffic, ...] = (
    Traffic(Party.OPERATORS_SSH, Party.CONTROL_PLANE, "tcp", (22, 22), "operators and pulumi configure the machine"),
    Traffic(Party.OPERATORS_API, Party.CONTROL_PLANE, "tcp", (6443, 6443), "kubectl reaches the API server"),
    Traffic(Party.CONTROL_PLANE, Party.INTERNET, "tcp", (443, 443), "packages, container images, the AWS API"),
    Traffic(Party.CONTROL_PLANE, Party.INTERNET, "tcp", (80, 80), "Debian mirrors that a machine image names by http"),
)


def addresses_of(settings: Settings) -> Mapping[Party, Sequence[str]]:
    """The CIDRs of the parties that are no machines of this cluster."""
    return {
        Party.OPERATORS_SSH: settings.access.ssh_cidrs,
        Party.OPERATORS_API: settings.access.api_cidrs,
        Party.INTERNET: ("0.0.0.0/0",),
    }
