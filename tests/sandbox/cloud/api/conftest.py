"""The account, served in this process.

With QUORATE_STOCK_MOTO=1 no patch is applied: a test in patches/ that passes then is about a fault that moto has
mended, and its patch may go.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from moto.core.base_backend import BackendDict

from sandbox.cloud.api import patches, seeds
from sandbox.cloud.api.server import ACCOUNT, REGION, Api
from tests.sandbox.cloud.api.account import Account


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    if os.environ.get("QUORATE_STOCK_MOTO"):
        setattr(patches, "PATCHES", ())  # noqa: B010  (its type is of the modules as they are)
    api = Api(tmp_path_factory.mktemp("account"))
    api.start()
    yield api
    api.stop()


@pytest.fixture
def account(served: Api) -> Account:
    BackendDict.reset()
    seeds.plant(ACCOUNT, REGION)
    return Account(served)
