"""Fault: DescribeParameters lists AWS's public parameters among the account's own."""

from __future__ import annotations

from typing import Any

from moto.ssm.models import SimpleSystemManagerBackend


def apply(region: str) -> None:
    describe = SimpleSystemManagerBackend.describe_parameters

    def describe_own(self: Any, *arguments: Any, **named: Any) -> list[Any]:
        return [found for found in describe(self, *arguments, **named) if not found.name.startswith("/aws/")]

    SimpleSystemManagerBackend.describe_parameters = describe_own
