"""Two sandboxes never share a host's names."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.claim import holder, is_held_by_another, release, take
from sandbox.errors import SandboxError


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path, Path]:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    return first, second, tmp_path / "claim"


def test_a_second_sandbox_is_refused_and_told_how_to_end_the_first(folders: tuple[Path, Path, Path]) -> None:
    first, second, claim = folders
    take(first, claim)
    with pytest.raises(SandboxError, match=f"QUORATE_STATE={first} python -m sandbox down"):
        take(second, claim)
    assert holder(claim) == first


def test_taking_twice_is_harmless(folders: tuple[Path, Path, Path]) -> None:
    first, _, claim = folders
    take(first, claim)
    take(first, claim)
    assert not is_held_by_another(first, claim)


def test_a_claim_whose_state_is_gone_binds_nobody(folders: tuple[Path, Path, Path]) -> None:
    first, second, claim = folders
    take(first, claim)
    first.rmdir()
    take(second, claim)
    assert holder(claim) == second


def test_only_the_holder_gives_the_host_back(folders: tuple[Path, Path, Path]) -> None:
    first, second, claim = folders
    take(first, claim)
    release(second, claim)
    assert holder(claim) == first
    release(first, claim)
    assert holder(claim) is None
