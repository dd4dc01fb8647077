"""Faults of moto 5.2.5 that the program or the AWS provider meets, mended one by one.

Each module names the faults in its docstring and mends them in `apply(region)`. Its tests in
tests/sandbox/cloud/api/patches/ carry its name as a mark (`mends`), and fail on moto as it is. One that passes there is
about a fault that moto has mended: test_faults.py says so, and the patch may go.
"""

from __future__ import annotations

from sandbox.cloud.api.patches import (
    aws_policies,
    block_devices,
    buckets,
    elastic_addresses,
    hosted_zones,
    iam_roles,
    in_use,
    instance_attributes,
    instance_lifecycle,
    instance_options,
    launch_checks,
    launch_limits,
    primary_interface,
    private_addresses,
    public_addresses,
    public_parameters,
    rules_enforced,
    security_group_rules,
)

PATCHES = (
    public_addresses,
    private_addresses,
    primary_interface,
    elastic_addresses,
    instance_lifecycle,
    instance_options,
    instance_attributes,
    block_devices,
    launch_checks,
    launch_limits,
    security_group_rules,
    rules_enforced,
    hosted_zones,
    in_use,
    iam_roles,
    aws_policies,
    buckets,
    public_parameters,
)
"""In the order of application: where two wrap one function, the later one sees the request first."""


def apply(region: str) -> None:
    """Applies every patch, once per process."""
    for patch in PATCHES:
        if not getattr(patch, "applied", False):
            patch.apply(region)
            patch.applied = True  # type: ignore[attr-defined]
