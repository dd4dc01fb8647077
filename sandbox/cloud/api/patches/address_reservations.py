"""Fault: a reservation's description is dropped, and one that overlaps addresses in use or its removal leave marks.

Which addresses are handed out is decided in private_addresses; a `prefix` reservation is refused, because no interface
here has prefixes.
"""

from __future__ import annotations

from typing import Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.subnets import SubnetCidrReservation
from moto.ec2.responses.subnets import Subnets
from moto.ec2.utils import convert_tag_spec


def apply(region: str) -> None:
    create = Subnets.create_subnet_cidr_reservation

    def create_reservation(self: Any) -> Any:
        if self._get_param("ReservationType") != "explicit":
            raise EC2ClientError(
                "SandboxNotModelled", "the sandbox reserves addresses of a subnet explicitly, not as prefixes"
            )
        answer = create(self)
        reservation = answer.result["SubnetCidrReservation"]
        reservation.description = self._get_param("Description")
        reservation.add_tags(
            convert_tag_spec(self._get_param("TagSpecifications", [])).get("subnet-cidr-reservation", {})
        )
        return answer

    Subnets.create_subnet_cidr_reservation = create_reservation
    SubnetCidrReservation.tags = property(lambda self: self.get_tags())
