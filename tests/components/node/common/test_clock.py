"""Clocks that differ are named before anything is signed with one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from components.node.common.clock import check_clock
from components.node.common.failure import Failure
from tests.components.node.aws_services import LocalAws, aws_of_this_process


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalAws]:
    with aws_of_this_process(monkeypatch) as aws:
        yield aws


@pytest.mark.parametrize("ahead", [0, 3, -3])
def test_a_clock_that_is_right_within_seconds_is_right(ahead: float, aws: LocalAws) -> None:
    aws.ahead = ahead
    check_clock(seconds=0)


@pytest.mark.parametrize(("ahead", "found"), [(400, r"(399|400)s behind"), (-400, r"(400|401)s ahead")])
def test_a_clock_that_is_wrong_is_named_with_how_far_it_is_away(ahead: float, found: str, aws: LocalAws) -> None:
    aws.ahead = ahead
    with pytest.raises(
        Failure, match=f"waited 0s for this machine's clock to be AWS's; the last answer was: it is {found}; see"
    ):
        check_clock(seconds=0)


def test_a_silent_metadata_service_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METADATA", "http://127.0.0.1:1/latest")
    with pytest.raises(Failure, match=r"127\.0\.0\.1:1 does not answer"):
        check_clock(seconds=0)


def test_an_answer_without_a_date_says_nothing_about_the_clock(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("http.server.BaseHTTPRequestHandler.send_header", lambda *_: None)
    check_clock(seconds=0)
