"""What looking at targets again and again says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from components.plan import Plan
from operations.errors import NotAnswered
from operations.smoke.answers import Outcome
from operations.smoke.command import balanced_host
from operations.smoke.watch import Sight, connection_to, verdicts, watched
from tests.operations.smoke.recorded import PLAN
from tests.operations.stacks import DEV, STACKED, settings


def said(sights: list[Sight], connected: bool = True) -> list[tuple[Outcome, str]]:
    return [(answer.outcome, answer.found) for answer in verdicts(sights, connected)]


def test_a_registration_lasts_until_the_first_checks_are_through() -> None:
    sights = [Sight(0, {}), Sight(2, {"a": "initial"}), Sight(190, {"a": "initial"}), Sight(242, {"a": "healthy"})]
    assert said(sights)[0] == (Outcome.AS_ASSUMED, "a took 240 s")
    slow = [Sight(0, {"a": "initial"}), Sight(601, {"a": "initial"})]
    outcome, found = said(slow)[0]
    assert (outcome, "a is new for 601 s" in found) == (Outcome.DIFFERS, True)


def test_a_failed_connection_while_health_changes_differs() -> None:
    sights = [
        Sight(0, {"a": "healthy"}),
        Sight(10, {"a": "unhealthy"}),
        Sight(150, {"a": "unhealthy"}, "Connection refused"),
        Sight(160, {"a": "healthy"}),
    ]
    outcome, found = said(sights)[1]
    assert outcome is Outcome.DIFFERS
    assert "at 150 s: Connection refused" in found
    assert "a healthy to unhealthy at 10 s; a unhealthy to healthy at 160 s" in found
    sound = [Sight(sight.second, sight.states) for sight in sights]
    assert said(sound)[1][0] is Outcome.AS_ASSUMED
    assert said(sound, connected=False)[1][0] is Outcome.NOT_ASKED


def test_where_nothing_changed_nothing_is_judged() -> None:
    still = [Sight(0, {"a": "healthy"}), Sight(2, {"a": "healthy"}, "timed out")]
    assert [outcome for outcome, _ in said(still)] == [Outcome.NOT_ASKED, Outcome.NOT_ASKED]
    assert [outcome for outcome, _ in said([])] == [Outcome.NOT_ASKED, Outcome.NOT_ASKED]


def test_a_look_without_an_answer_does_not_end_the_watch() -> None:
    def states() -> Iterator[object]:
        yield NotAnswered("Throttling")
        yield {"a": "healthy"}
        yield {"a": "healthy"}

    looks, now = states(), [0.0]

    def look() -> dict[str, str]:
        found = next(looks)
        if isinstance(found, Exception):
            raise found
        assert isinstance(found, dict)
        return found

    def sleep(seconds: float) -> None:
        now[0] += seconds

    sights = watched(look, lambda: "refused", 6, lambda: now[0], sleep)
    assert [(sight.second, dict(sight.states), sight.failed) for sight in sights] == [
        (0, {}, ""),
        (2, {"a": "healthy"}, "refused"),
        (4, {"a": "healthy"}, "refused"),
    ]


def test_ctrl_c_ends_the_watch_with_what_was_seen() -> None:
    def sleep(_: float) -> None:
        raise KeyboardInterrupt

    assert len(watched(lambda: {"a": "healthy"}, None, 100, sleep=sleep)) == 1


def test_connections_are_tried_only_where_they_lead_through_a_load_balancer() -> None:
    def exported() -> dict[str, str]:
        return {"apiAddress": "api.test"}

    assert balanced_host(PLAN, exported) == "api.test"
    assert balanced_host(Plan(settings(DEV)), exported) == ""
    public_machines = Plan(settings(STACKED, network={"zones": 3, "nat": "none"}))
    assert balanced_host(public_machines, exported) == "", "operators reach a machine itself"
    assert balanced_host(PLAN, dict) == "", "before the first up has ended"


def test_a_connection_that_fails_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr("socket.create_connection", refuse)
    assert "Connection refused" in connection_to("127.0.0.1")()
