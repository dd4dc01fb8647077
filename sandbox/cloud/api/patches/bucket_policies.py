"""Fault: what a bucket's policy denies under a condition is denied always.

The guard judges these policies instead, by the conditions of the request (storage_permissions.py).
"""

from __future__ import annotations

from typing import Any

from moto.iam.access_control import PermissionResult
from moto.s3.models import FakeBucket


def apply(region: str) -> None:
    FakeBucket.get_permission = _neutral


def _neutral(_bucket: Any, _action: str, _resource: str) -> Any:
    return PermissionResult.NEUTRAL
