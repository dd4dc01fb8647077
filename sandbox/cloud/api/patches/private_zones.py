"""Fault: a hosted zone made with a VPC is private only where the request says so by a field that AWS ignores.
Fault: a private zone's VPCs are read back under names that the protocol does not know, so they are missing.

Here a VPC makes the zone private, as in AWS, and its VPCs are read back.
"""

from __future__ import annotations

from typing import Any

from moto.route53.models import FakeZone
from moto.route53.responses import Route53


def apply(region: str) -> None:
    read_flag, add_vpc = Route53._get_bool_param, FakeZone.add_vpc

    def read_flag_or_vpc(self: Any, name: str, *arguments: Any, **named: Any) -> Any:
        if name == "HostedZoneConfig.PrivateZone" and self._get_param("VPC.VPCId"):
            return True
        return read_flag(self, name, *arguments, **named)

    def add_readable_vpc(self: Any, vpc_id: str | None, vpc_region: str | None) -> Any:
        vpc = add_vpc(self, vpc_id, vpc_region)
        vpc.update(VPCId=vpc_id, VPCRegion=vpc_region)
        return vpc

    Route53._get_bool_param = read_flag_or_vpc  # type: ignore[method-assign]
    FakeZone.add_vpc = add_readable_vpc  # type: ignore[method-assign]
