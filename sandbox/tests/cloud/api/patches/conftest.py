"""A network with a subnet, and the API of load balancers."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.tests.cloud.api.account import Account


@pytest.fixture
def vpc(account: Account) -> str:
    made = account.vpc()
    account.gateway(made)
    return made


@pytest.fixture
def subnet(account: Account, vpc: str) -> str:
    return account.subnet(vpc)


@pytest.fixture
def elb(account: Account) -> Any:
    return account.client("elbv2")
