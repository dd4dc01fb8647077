"""Fault: what a zone offers never changes, and no zone can be made to lack an instance type."""

from __future__ import annotations

from typing import Any

from moto.ec2.models import EC2Backend


def apply(region: str) -> None:
    describe = EC2Backend.describe_instance_type_offerings

    def describe_offered(self: Any, location_type: str | None = None, filters: Any = None) -> list[Any]:
        zones = {place: zone.name for zone in self.describe_availability_zones() for place in (zone.name, zone.zone_id)}
        return [
            offering
            for offering in describe(self, location_type, filters)
            if (zones.get(offering["Location"]), offering["InstanceType"]) not in lacking(self)
        ]

    EC2Backend.describe_instance_type_offerings = describe_offered


def lack(backend: Any, zone: str, name: str) -> None:
    """From now on the zone lacks the instance type. Saved with the account. Raises moto's error for an unknown type."""
    backend.describe_instance_types([name])
    backend.lacking_types = lacking(backend) | {(zone, name)}


def have_all(backend: Any, zone: str) -> None:
    backend.lacking_types = frozenset(each for each in lacking(backend) if each[0] != zone)


def lacking(backend: Any) -> frozenset[tuple[str, str]]:
    """Zones, and the instance types that they lack."""
    return getattr(backend, "lacking_types", frozenset())
