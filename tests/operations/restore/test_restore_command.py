"""`python -m operations restore`: what it takes, whom it asks, what it shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from components.plan import Plan
from operations.cli import main
from operations.errors import NotAnswered
from operations.restore import command
from operations.restore.command import show_of_machine
from tests.components.stacks import settings_of
from tests.operations.restore.fleet import MANIFEST, Bucket, Fleet, fleet

EXPORTED = {
    "machines": {"etcd-0": "10.22.0.10"},
    "snapshots": {"bucket": "quorate-prod-1", "key": "arn:aws:kms:1", "region": "eu-central-1"},
}
STACK = ("restore", "--stack", "prod")


@pytest.fixture
def prod(monkeypatch: pytest.MonkeyPatch) -> Fleet:
    """The shipped stack, up, with its bucket."""
    found = fleet(Plan(settings_of("prod")))

    @contextmanager
    def opened(plan: Plan, exported: Mapping[str, Any], shown: Callable[[str], object]) -> Iterator[Fleet]:
        assert (plan, exported, shown) == (found.plan, EXPORTED, show_of_machine)
        yield found

    monkeypatch.setattr(command, "outputs", lambda stack: EXPORTED)
    monkeypatch.setattr(command, "opened", opened)
    monkeypatch.setattr(command, "opened_bucket", lambda exported, backups: Bucket())
    return found


def test_it_restores_and_goes_back(prod: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*STACK, "--yes", "prod"]) == 0
    assert prod.data() == {MANIFEST.id}
    told = capsys.readouterr().out
    assert "stack prod, bucket quorate-prod-1 in eu-central-1, read as arn:aws:iam::111122223333:user/ops" in told
    assert f"This will restore the snapshot daily/{MANIFEST.id} into prod:" in told
    assert main([*STACK, "--undo", "--yes", "prod"]) == 0
    assert prod.data() == {"living"}


def test_another_name_is_a_no(prod: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*STACK, "--yes", "dev"]) == 1
    assert "nothing was changed: dev is not prod" in capsys.readouterr().err
    assert prod.calls == []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--undo", "--snapshot", "1"), "it takes no --snapshot and no --at"),
        (("--undo", "--at", "2026-11-30T06:00Z"), "it takes no --snapshot and no --at"),
        (("--snapshot", "1", "--at", "2026-11-30T06:00Z"), "give one of them"),
    ],
)
def test_words_that_contradict_each_other_are_refused(
    arguments: tuple[str, ...], told: str, prod: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*STACK, *arguments]) == 1
    assert told in capsys.readouterr().err


def test_a_bucket_that_cannot_be_read_stops_nothing(
    prod: Fleet, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Closed(Bucket):
        def snapshots(self) -> Any:
            raise NotAnswered("the bucket can't be read: AccessDenied")

    monkeypatch.setattr(command, "opened_bucket", lambda exported, backups: Closed())
    assert main([*STACK, "--yes", "prod"]) == 1
    assert "AccessDenied" in capsys.readouterr().err
    assert prod.calls == []


def test_lines_of_machines_are_shown_but_for_what_is_the_programs(capsys: pytest.CaptureFixture[str]) -> None:
    show_of_machine("etcd-0: 12:00:00 restore: stopping etcd")
    show_of_machine('etcd-0: {"revision": 5}')
    assert capsys.readouterr().out == "  etcd-0: 12:00:00 restore: stopping etcd\n"
