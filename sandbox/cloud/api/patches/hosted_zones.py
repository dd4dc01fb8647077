"""Fault: a zone created with a VPC is public, and forgets the VPC, unless the request also says PrivateZone.

AWS takes the VPC for the sign of a private zone.
"""

from __future__ import annotations

from typing import Any

from moto.route53.responses import Route53


def apply(region: str) -> None:
    create = Route53.create_hosted_zone

    def create_hosted_zone(self: Any) -> Any:
        if self._get_param("VPC.VPCId"):
            read = self._get_bool_param
            self._get_bool_param = lambda name, *rest: name == "HostedZoneConfig.PrivateZone" or read(name, *rest)
        return create(self)

    Route53.create_hosted_zone = create_hosted_zone
