"""A new machine's store of container images: links to what never changes, and databases of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.cloud.machines import link_store


@pytest.fixture
def store(tmp_path: Path) -> Path:
    root = tmp_path / "store"
    for name in ("content/blobs/sha256/aa", "metadata/meta.db"):
        file = root / name
        file.parent.mkdir(parents=True)
        file.write_text(name)
    return root


def test_layers_are_shared_and_databases_are_not(store: Path, tmp_path: Path) -> None:
    own = tmp_path / "machine/own"
    link_store(store, own)
    assert (own / "content/blobs/sha256/aa").samefile(store / "content/blobs/sha256/aa")
    (own / "metadata/meta.db").write_text("changed by the machine")
    assert (store / "metadata/meta.db").read_text() == "metadata/meta.db"


def test_a_machine_that_has_a_store_keeps_it(store: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    link_store(store, own)
    assert list(own.iterdir()) == []


def test_what_an_interrupted_boot_left_is_made_anew(store: Path, tmp_path: Path) -> None:
    half = tmp_path / "own.partial"
    half.mkdir()
    (half / "leftover").touch()
    link_store(store, tmp_path / "own")
    assert not half.exists()
    assert not (tmp_path / "own/leftover").exists()
    assert (tmp_path / "own/metadata/meta.db").exists()
