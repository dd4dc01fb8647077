"""Faults of moto 5.2.5 that the program or the AWS provider meets, fixed one by one.

Each module names the faults in its docstring and fixes them in `apply(region)`. Its tests in
sandbox/tests/cloud/api/patches/ carry its name as a mark (`fixes`), and fail on moto as it is. One that passes there is
about a fault that moto has fixed: test_faults.py says so, and the patch may go.
"""

from __future__ import annotations

from importlib import import_module

_NAMES = (
    "public_addresses", "private_addresses", "address_reservations", "primary_interface", "elastic_addresses",
    "nat_gateways", "vpc_endpoints", "instance_lifecycle", "instance_options", "instance_status",
    "instance_attributes", "block_devices", "launch_checks", "launch_limits", "launch_templates", "scaling_groups",
    "scaling_requests", "scaling_limits", "security_group_rules", "rules_enforced", "load_balancers",
    "load_balancer_nodes", "target_groups", "target_health", "load_balancer_limits", "hosted_zones",
    "alias_records", "in_use", "iam_roles", "instance_profiles", "buckets", "bucket_policies", "public_parameters",
    "closed_zones", "lacking_types",
)  # fmt: skip
"""In the order of application: where two wrap one function, the later one sees the request first."""

PATCHES = tuple(import_module(f"{__name__}.{name}") for name in _NAMES)


def apply(region: str) -> None:
    """Applies every patch, once per process."""
    for patch in PATCHES:
        if not getattr(patch, "applied", False):
            patch.apply(region)
            patch.applied = True  # type: ignore[attr-defined]
