"""Fault: AWS's own policies are parsed anew, for six partitions, when the first request of a process comes in.

Here they are parsed once, for the one partition that the sandbox has.
"""

from __future__ import annotations

import copy
from functools import cache
from typing import Any

from moto.iam.models import IAMBackend


def apply(region: str) -> None:
    parse = IAMBackend._init_aws_policies

    @cache
    def parsed(account: str) -> list[Any]:
        backend = IAMBackend.__new__(IAMBackend)
        backend.account_id, backend.region_name = account, "aws"
        return list(parse(backend))

    def policies(self: Any) -> list[Any]:
        return [copy.copy(policy) for policy in parsed(self.account_id)] if self.region_name == "aws" else []

    IAMBackend._init_aws_policies = policies
