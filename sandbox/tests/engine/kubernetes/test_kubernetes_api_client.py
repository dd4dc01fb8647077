"""The REST client and its watches against an API that misbehaves on purpose."""

from __future__ import annotations

import threading
import time

import pytest

from sandbox.engine.kubernetes.awaiting.observer import Observer
from sandbox.engine.kubernetes.cluster import NoMatchError
from sandbox.engine.kubernetes.objects import name_of
from sandbox.engine.kubernetes.rest import ApiError, RateLimit, UnreachableError
from sandbox.tests.engine.kubernetes.pretend_api import Answer, serving
from sandbox.tests.engine.kubernetes.things import KINDS, THINGS, Api, at, thing, until


def test_the_servers_own_words_reach_the_person() -> None:
    status = {"kind": "Status", "message": 'things "a" not found', "reason": "NotFound", "details": {"kind": "things"}}
    with (
        serving(lambda method, path, query: (404, {}, status)) as url,
        pytest.raises(ApiError, match='things "a" not found') as error,
    ):
        at(url).rest.request("GET", "/x")
    assert (error.value.code, error.value.reason, error.value.not_found) == (404, "NotFound", True)


def test_an_answer_that_is_no_status_is_told_with_its_address() -> None:
    with (
        serving(lambda method, path, query: (502, {}, "bad gateway")) as url,
        pytest.raises(ApiError, match=f"{url}/x: HTTP status 502"),
    ):
        at(url).rest.request("GET", "/x")


def test_a_busy_server_is_asked_again_when_it_says_so() -> None:
    answers = [(429, {"Retry-After": "0"}, {}), (429, {"Retry-After": "0"}, {}), (200, {}, {"ok": True})]
    with serving(lambda method, path, query: answers.pop(0)) as url:
        assert at(url).rest.request("POST", "/x", None, {}) == {"ok": True}


def test_a_server_that_is_not_there_is_named() -> None:
    with pytest.raises(UnreachableError, match=r"http://127.0.0.1:1/x: .*refused"):
        at("http://127.0.0.1:1").rest.request("GET", "/x")


def test_a_kind_that_is_missing_is_asked_for_again() -> None:
    asked: list[str] = []

    def answer(method: str, path: str, query: dict[str, str]) -> Answer:
        asked.append(path)
        return 200, {}, KINDS if len(asked) > 1 else {"resources": []}

    with serving(answer) as url:
        cluster = at(url)
        with pytest.raises(NoMatchError, match=r'no matches for kind "Thing" in version "example.com/v1"'):
            cluster.served(THINGS)
        assert cluster.path(THINGS, "", "a/b") == "/apis/example.com/v1/namespaces/default/things/a%2Fb"
        assert cluster.serves(THINGS)
    assert len(asked) == 2


def test_a_rate_limit_lets_the_burst_through_and_delays_the_rest() -> None:
    limit = RateLimit(qps=50, burst=5)
    started = time.monotonic()
    for _ in range(5):
        limit.take()
    assert time.monotonic() - started < 0.05
    for _ in range(5):
        limit.take()
    assert time.monotonic() - started > 0.08


def test_a_watch_follows_changes_and_starts_over_when_it_is_too_old() -> None:
    expired = {"type": "ERROR", "object": {"kind": "Status", "code": 410}}
    api = Api(
        [[thing("a"), thing("b")], [thing("c")]],
        [[{"type": "DELETED", "object": thing("a")}, {"type": "ADDED", "object": thing("d")}, 0.2, expired], [30]],
    )
    with serving(api) as url:
        observer = Observer(at(url), THINGS, "default", lambda: None)
        until(lambda: {name_of(entry) for entry in observer.objects()} == {"b", "d"})
        until(lambda: {name_of(entry) for entry in observer.objects()} == {"c"})
        assert api.listed == 2
        started = time.monotonic()
        observer.stop()
        assert time.monotonic() - started < 1


def test_a_watch_goes_on_after_the_server_was_away() -> None:
    api = Api([[thing("a")]], [[0.1]])
    down = threading.Event()

    def answer(method: str, path: str, query: dict[str, str]) -> Answer:
        return (503, {}, {}) if down.is_set() else api(method, path, query)

    with serving(answer) as url:
        observer = Observer(at(url), THINGS, "default", lambda: None)
        until(lambda: observer.synced)
        down.set()
        until(lambda: "503" in observer.error)
        api.lists = [[thing("b")]]
        down.clear()
        until(lambda: {name_of(entry) for entry in observer.objects()} == {"b"})
        assert observer.error == ""
        observer.stop()
