"""A site without a network plugin is another than one with it, and one that has more will do."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from sandbox import host, image
from sandbox.internet import build, image_store
from sandbox.tests.toolchain.test_needs import stack
from sandbox.toolchain.needs import ALWAYS, EVERY_STACK, needed_by

EDUCATION = (*ALWAYS, *needed_by([stack("education")]))


class Made(Exception):
    """The build was about to begin, for this place."""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache with a machine image in it, in which nothing can be built."""

    def begins(*_: object, prefix: str, **__: object) -> str:
        raise Made(prefix.partition(".")[0])

    def none_missing(names: Sequence[str]) -> list[str]:
        return []

    monkeypatch.setenv("QUORATE_CACHE", str(tmp_path))
    monkeypatch.setattr(image, "ensure", lambda say: tmp_path)
    monkeypatch.setattr(image_store, "ensure", lambda site, say: site)
    monkeypatch.setattr(host, "require_root", lambda: None)
    monkeypatch.setattr(build, "package_beside", lambda tree, name: Path(f"{name}_1.deb"))
    monkeypatch.setattr(build, "missing_tools", none_missing)
    monkeypatch.setattr(tempfile, "mkdtemp", begins)
    return tmp_path


def place(tools: Sequence[str]) -> str:
    with pytest.raises(Made) as made:
        build.ensure(lambda line: None, tools)
    return str(made.value)


def test_each_choice_of_tools_has_a_place_of_its_own(cache: Path) -> None:
    assert place(EDUCATION) != place(EVERY_STACK)
    assert place(EVERY_STACK) == place([*EVERY_STACK, "pulumi", "actionlint"])
    assert len({build._place(cache, tools) for tools in build._variants()}) == 16


def test_a_site_that_has_more_is_taken_and_one_that_has_less_is_not(cache: Path) -> None:
    whole = cache / place(EVERY_STACK)
    small = place(EDUCATION)
    whole.mkdir()
    assert build.ensure(lambda line: None, EDUCATION) == whole
    whole.rmdir()
    (cache / small).mkdir()
    assert place(EVERY_STACK) == whole.name
