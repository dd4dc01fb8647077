"""What holds for every test."""

from __future__ import annotations

import gc


def pytest_collection_finish() -> None:
    """Modules stay for good. The garbage collector need not go through the SDKs' again and again."""
    gc.collect()
    gc.freeze()
