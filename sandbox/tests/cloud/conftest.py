"""The account, served in this process.

QUORATE_WITHOUT_PATCHES names patches, with commas between, that are not applied: the tests that they are for fail then,
for as long as moto has the fault.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from moto.core.base_backend import BackendDict

from sandbox.cloud.api import patches, seeds
from sandbox.cloud.api.server import ACCOUNT, REGION, Api
from sandbox.tests.cloud.api.account import Account
from sandbox.tests.cloud.pools import Pool, new_pool


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    left_out = os.environ.get("QUORATE_WITHOUT_PATCHES", "").split(",")
    kept = tuple(patch for patch in patches.PATCHES if patch.__name__.rpartition(".")[2] not in left_out)
    setattr(patches, "PATCHES", kept)  # noqa: B010  (its type is of the modules as they are)
    api = Api(tmp_path_factory.mktemp("account"), answers_when_saved=False)
    api.start()
    yield api
    api.stop()


@pytest.fixture
def account(served: Api) -> Account:
    BackendDict.reset()
    seeds.plant(ACCOUNT, REGION)
    return Account(served)


@pytest.fixture
def pool(account: Account) -> Pool:
    return new_pool(account)
