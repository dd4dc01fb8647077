"""What docs/samples shows is what the program says today."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.operations.samples import CHECKOUT, files

SAMPLES = sorted((CHECKOUT / "docs/samples").iterdir())


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_a_sample_is_current(path: Path) -> None:
    assert path.read_text() == files().get(path), (
        f"run `python -m tests.operations.samples` ({path.relative_to(CHECKOUT)})"
    )


def test_there_are_the_samples_that_the_program_writes_and_no_others() -> None:
    assert set(SAMPLES) == set(files())
