"""What docs/samples shows is what the program says today."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.operations.samples import CHECKOUT, files


@pytest.mark.parametrize("path", files(), ids=lambda path: path.name)
def test_a_sample_is_current(path: Path) -> None:
    assert path.read_text() == files()[path], f"run `python -m tests.operations.samples` ({path.relative_to(CHECKOUT)})"


def test_no_sample_is_left_over() -> None:
    assert set((CHECKOUT / "docs/samples").iterdir()) == set(files())
