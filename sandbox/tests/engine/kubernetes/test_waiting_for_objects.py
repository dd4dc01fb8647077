"""Waits, against an API that shows the changes a test wants."""

from __future__ import annotations

import threading
import time

import pytest

from sandbox.engine.kubernetes.awaiting.verdict import Simple, Verdict
from sandbox.engine.kubernetes.awaiting.wait import until_gone, until_ready
from sandbox.engine.kubernetes.errors import CancelledError, InitializationError, NotDeletedError, TimedOutError
from sandbox.engine.kubernetes.objects import Object
from sandbox.tests.engine.kubernetes.pretend_api import serving
from sandbox.tests.engine.kubernetes.things import Api, Messages, Work, at, is_done, thing


def test_waiting_ends_with_the_change_that_makes_the_object_ready() -> None:
    api = Api([[thing("a")]], [[0.2, {"type": "MODIFIED", "object": thing("a", done=True)}, 30]])
    log = Messages()
    with serving(api) as url:
        started = time.monotonic()
        until_ready(Work(log), at(url), thing("a"), Simple(is_done), 20)
        assert 0.1 < time.monotonic() - started < 3
    assert log.shown == ["done: False", "done: True"]


def test_a_ready_object_must_stay_the_same_for_as_long_as_its_condition_asks() -> None:
    def settles(obj: Object) -> Verdict:
        return Verdict(True, settle_key=str(obj["status"]["n"]), settle_seconds=0.5)

    api = Api([[thing("a", n=1)]], [[0.3, {"type": "MODIFIED", "object": thing("a", n=2)}, 30]])
    with serving(api) as url:
        started = time.monotonic()
        until_ready(Work(), at(url), thing("a", n=1), Simple(settles), 20)
        assert 0.75 < time.monotonic() - started < 3


def test_a_wait_that_takes_too_long_tells_what_is_missing() -> None:
    with serving(Api([[thing("a")]], [[30]])) as url, pytest.raises(TimedOutError, match="'a' timed out") as error:
        until_ready(Work(), at(url), thing("a"), Simple(is_done), 0.3)
    assert error.value.reasons == ["not done"]
    assert error.value.object["metadata"]["uid"] == "a"


def test_a_wait_that_cannot_see_the_object_tells_why() -> None:
    refusal = {"kind": "Status", "message": "no right to watch"}
    with serving(lambda method, path, query: (403, {}, refusal)) as url, pytest.raises(TimedOutError) as error:
        until_ready(Work(), at(url), thing("a"), Simple(is_done), 0.3)
    assert any("no right to watch" in reason for reason in error.value.reasons)


def test_a_failed_object_and_one_that_is_deleted_end_the_wait_at_once() -> None:
    with serving(Api([[thing("a", failed=True)]], [[30]])) as url, pytest.raises(InitializationError):
        until_ready(Work(), at(url), thing("a"), Simple(is_done), 20)
    with serving(Api([[]], [[30]])) as url, pytest.raises(InitializationError) as error:
        until_ready(Work(), at(url), thing("a"), Simple(is_done), 20)
    assert error.value.reasons == ["it was deleted while it was waited for"]


def test_cancelling_ends_a_wait_at_once() -> None:
    with serving(Api([[thing("a")]], [[30]])) as url:
        waiting = Work()
        timer = threading.Timer(0.3, waiting.cancel)
        timer.start()
        started = time.monotonic()
        with pytest.raises(CancelledError):
            until_ready(waiting, at(url), thing("a"), Simple(is_done), 20)
        assert time.monotonic() - started < 2


def test_deletion_ends_when_the_object_is_gone_or_another_has_its_name() -> None:
    again = thing("a")
    again["metadata"]["uid"] = "new"
    for event in ({"type": "DELETED", "object": thing("a")}, None):
        api = Api([[thing("a")], [again]], [[0.1, *([event, 30] if event else [])]])
        asked = threading.Event()
        with serving(api) as url:
            until_gone(Work(), at(url), thing("a"), 20, asked.set)
        assert asked.is_set()


def test_a_deletion_that_takes_too_long_names_the_finalizers() -> None:
    held = thing("a")
    held["metadata"]["finalizers"] = ["example.com/held"]
    with serving(Api([[held]], [[30]])) as url, pytest.raises(NotDeletedError, match=r"example\.com/held"):
        until_gone(Work(), at(url), held, 0.3, lambda: None)
