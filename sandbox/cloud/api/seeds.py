"""What every AWS account finds in its region: public machine images and the parameters that name them."""

from __future__ import annotations

import datetime
from typing import Any

DEBIAN_OWNER = "136693071363"
DEBIAN_IMAGE = "ami-0deb1a12bookworm0"
DEBIAN_PARAMETER = "/aws/service/debian/release/12/latest/amd64"


def plant(account: str, region: str) -> None:
    """Adds what is missing; harmless on an account that was loaded."""
    _plant_image(account, region)
    _plant_parameter(account, region)


def _plant_image(account: str, region: str) -> None:
    from moto.ec2.models import ec2_backends
    from moto.ec2.models.amis import Ami

    backend: Any = ec2_backends[account][region]
    if DEBIAN_IMAGE not in backend.amis:
        backend.amis[DEBIAN_IMAGE] = Ami(
            backend,
            DEBIAN_IMAGE,
            name="debian-12-amd64-20261101-2286",
            description="Debian 12 (20261101-2286)",
            owner_id=DEBIAN_OWNER,
            owner_alias="debian",
            public=True,
            virtualization_type="hvm",
            architecture="x86_64",
            state="available",
            creation_date=datetime.datetime(2026, 11, 1, tzinfo=datetime.UTC),
            platform=None,
            image_type="machine",
            hypervisor="xen",
            root_device_name="/dev/xvda",
            root_device_type="ebs",
            sriov="simple",
            region_name=region,
        )


def _plant_parameter(account: str, region: str) -> None:
    from moto.ssm.models import Parameter, ssm_backends

    backend: Any = ssm_backends[account][region]
    if not dict.get(backend._parameters, DEBIAN_PARAMETER):
        backend._parameters[DEBIAN_PARAMETER].append(
            Parameter(
                account_id=account,
                name=DEBIAN_PARAMETER,
                value=DEBIAN_IMAGE,
                parameter_type="String",
                description="Debian 12 amd64",
                allowed_pattern=None,
                keyid=None,
                last_modified_date=datetime.datetime(2026, 11, 1, tzinfo=datetime.UTC),
                version=1,
                tier="Standard",
                data_type="text",
            )
        )
