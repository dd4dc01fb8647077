"""What holds for every test."""

from __future__ import annotations

import gc

from hypothesis import settings

# How long an example takes says how busy the machine is.
settings.register_profile("at any speed", deadline=None)
settings.load_profile("at any speed")


def pytest_collection_finish() -> None:
    """Modules stay for good. The garbage collector need not go through the SDKs' again and again."""
    gc.collect()
    gc.freeze()
