"""Faults of moto 5.2.5 that the program or the AWS provider meets, mended one by one.

Each module names the faults in its docstring and mends them in `apply(region)`. A fault goes from here when its test
in tests/sandbox/cloud/api/patches/, which shows it on moto as it is, fails with a newer moto.
"""

from __future__ import annotations

from sandbox.cloud.api.patches import (
    instance_lifecycle,
    instance_options,
    interface_attachment,
    private_addresses,
    private_zones,
    public_addresses,
    security_group_rules,
)

PATCHES = (
    public_addresses,
    private_addresses,
    interface_attachment,
    instance_lifecycle,
    instance_options,
    security_group_rules,
    private_zones,
)


def apply(region: str) -> None:
    """Applies every patch, once per process."""
    for patch in PATCHES:
        if not getattr(patch, "applied", False):
            patch.apply(region)
            patch.applied = True  # type: ignore[attr-defined]
