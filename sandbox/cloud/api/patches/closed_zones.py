"""Fault: every zone of a region is available, always, and subnets can be made in it."""

from __future__ import annotations

import copy
from typing import Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import EC2Backend


def apply(region: str) -> None:
    create_subnet = EC2Backend.create_subnet

    def create(self: Any, vpc_id: str, cidr_block: str, *rest: Any, **options: Any) -> Any:
        zone = options.get("availability_zone") or (rest[1] if len(rest) > 1 else None)
        open_zones = [each.name for each in self.describe_availability_zones() if each.state == "available"]
        if zone and zone not in open_zones:
            raise EC2ClientError(
                "InvalidParameterValue",
                f"Value ({zone}) for parameter availabilityZone is invalid. Subnets can currently only be created in "
                f"the following availability zones: {', '.join(open_zones)}.",
            )
        return create_subnet(self, vpc_id, cidr_block, *rest, **options)

    EC2Backend.create_subnet = create


def set_state(backend: Any, name: str, state: str) -> None:
    """What DescribeAvailabilityZones says of a zone: `available`, or else. Saved with the account."""
    zones = [copy.copy(zone) for zone in backend.zones[backend.region_name]]
    for zone in zones:
        if zone.name == name:
            zone.state = state
    # The backend's own, in place of those that all share.
    backend.zones = {**backend.zones, backend.region_name: zones}


def closed(backend: Any) -> list[str]:
    return [zone.name for zone in backend.describe_availability_zones() if zone.state != "available"]
