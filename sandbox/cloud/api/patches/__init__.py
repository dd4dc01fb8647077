"""Faults of moto 5.2.5 that the program or the AWS provider meets, mended one by one.

Each module names the fault in its docstring and mends it in `apply(region)`. When moto mends it, its test in
tests/sandbox/cloud/api/test_patches.py says so, and the module goes.
"""

from __future__ import annotations

from sandbox.cloud.api.patches import (
    instance_lifecycle,
    interface_attachment,
    private_addresses,
    public_addresses,
)


def apply(region: str) -> None:
    """Applies every patch, once per process."""
    for patch in (public_addresses, private_addresses, interface_attachment, instance_lifecycle):
        if not getattr(patch, "applied", False):
            patch.apply(region)
            patch.applied = True  # type: ignore[attr-defined]
