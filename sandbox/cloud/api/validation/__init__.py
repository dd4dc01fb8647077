"""Requests compared with AWS's published service models, as botocore carries them."""

from __future__ import annotations

from sandbox.cloud.api.validation.check import check

__all__ = ["check"]
