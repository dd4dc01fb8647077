"""When new connections follow what checks have found, and when the old ones end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.cloud.balancer import findings
from sandbox.cloud.balancer.config import Backend, Route, Server
from sandbox.cloud.balancer.findings import (
    SLOW_CHANGE_SECONDS,
    SLOW_REGISTRATION_SECONDS,
    Finding,
    Findings,
    noted,
    receivers,
    registering,
    to_be_cut,
)
from sandbox.cloud.balancer.runtime import States, states_in
from sandbox.cloud.balancer.view import TargetGroupView, TargetView
from sandbox.tests.cloud.balancer.views import CHECK

INTERVAL = 5
LATE = SLOW_CHANGE_SECONDS + INTERVAL
HEAD = "# pxname,svname,scur,status,check_status,check_code,addr,lastchg,"
WELL, ILL, NEW = "UP,L7OK,200", "DOWN,L7STS,500", "DOWN,INI,"


def route(registered_at: float = 0.0, draining: int | None = 0) -> Route:
    servers = tuple(Server(name, name, 6443, "", registered_at) for name in ("a", "b"))
    return Route(
        "node", "group", Backend("c", servers, checks=True), Backend("f", servers, checks=False),
        initial_seconds=INTERVAL, interval=INTERVAL, unhealthy_draining=draining,
    )  # fmt: skip


def recorded(a: str, b: str = WELL) -> States:
    """As haproxy's statistics have it."""
    lines = [f"c,{name},0,{state},10.20.0.10:6443,9," for name, state in (("a", a), ("b", b))]
    return states_in("\n".join([HEAD, *lines]))


def seen(*looks: tuple[float, str], slow: bool, before: Findings | None = None) -> Findings:
    found: Findings = before or {}
    for now, state in looks:
        found = noted(found, [route()], recorded(state), now, slow)
    return found


def open_to(found: Findings) -> set[str]:
    return receivers(route(), found)[0]


def test_a_change_is_followed_at_once() -> None:
    assert open_to(seen((0, WELL), slow=False)) == {"a", "b"}
    assert open_to(seen((0, WELL), (100, ILL), slow=False)) == {"b"}
    assert open_to(seen((0, WELL), (100, ILL), (101, WELL), slow=False)) == {"a", "b"}


def test_slow_every_change_is_followed_as_much_later_as_it_was_seen() -> None:
    looks = [(0.0, WELL), (100.0, ILL), (120.0, WELL)]

    def followed(now: float) -> set[str]:
        return open_to(seen(*looks, (now, WELL), slow=True))

    assert followed(100 + LATE - 1) == {"a", "b"}
    assert followed(100 + LATE) == followed(120 + LATE - 1) == {"b"}
    assert followed(120 + LATE) == {"a", "b"}


def test_healed_what_is_on_its_way_is_followed_at_once() -> None:
    late = seen((0, WELL), (100, ILL), slow=True)
    assert open_to(seen((101, ILL), slow=False, before=late)) == {"b"}


def test_slowed_what_is_followed_stays_so() -> None:
    assert open_to(seen((101, ILL), slow=True, before=seen((0, WELL), (100, ILL), slow=False))) == {"b"}


def test_what_is_known_first_is_followed_at_once() -> None:
    assert open_to(seen((0, NEW), slow=True)) == {"b"}
    assert open_to(seen((0, NEW), (10, WELL), slow=True)) == {"a", "b"}


def test_without_a_healthy_target_all_get_connections() -> None:
    found = noted({}, [route()], recorded(ILL, ILL), 0, slow=False)
    assert receivers(route(), found) == ({"a", "b"}, True)


def test_another_haproxy_that_has_not_checked_yet_changes_nothing() -> None:
    assert open_to(seen((0, WELL), (100, NEW), slow=False)) == {"a", "b"}


def test_of_an_earlier_registration_nothing_is_known() -> None:
    found = noted(seen((0, WELL), slow=False), [route(registered_at=50)], recorded(NEW, NEW), 51, slow=False)
    assert found == {}


def test_a_listener_that_is_added_finds_the_health_that_is_known() -> None:
    found = seen((0, WELL), (100, ILL), slow=False)
    added = replace(route(), forwards=replace(route().forwards, name="added"))
    assert noted(found, [route(), added], recorded(ILL), 101, slow=False) == found
    assert receivers(added, found) == ({"b"}, False)
    assert findings.healthy([route(), added], found) == {("c", "b")}
    assert findings.closed([route(), added], found) == {("f", "a"), ("added", "a")}
    # Each has connections of its own.
    assert to_be_cut(added, found, {("f", "a"): 100.0}, 100) == {"a"}


def cut_times(draining: int | None, slow: bool = False, others: str = WELL) -> list[int]:
    """At which seconds the connections of a target are cut that was unhealthy from 100 on."""
    last: dict[tuple[str, str], float] = {}
    found: Findings = {}
    times = []
    for now in range(500):
        found = noted(found, [route()], recorded(WELL if now < 100 else ILL, WELL if now < 100 else others), now, slow)
        if "a" in to_be_cut(route(draining=draining), found, last, now):
            times.append(now)
            last["f", "a"] = now
    return times


def test_connections_of_an_unhealthy_target_end_once_by_the_attributes() -> None:
    assert cut_times(0) == [100]
    assert cut_times(300) == [400]
    assert cut_times(None) == []


def test_slow_those_that_came_in_the_meantime_end_too() -> None:
    assert cut_times(0, slow=True) == [100, 100 + LATE]
    assert cut_times(300, slow=True) == [400, 400 + LATE]


def test_where_it_fails_open_no_connection_is_cut() -> None:
    assert cut_times(0, others=ILL) == []


@pytest.mark.parametrize(
    ("slow", "age", "known", "waits"),
    [
        (True, SLOW_REGISTRATION_SECONDS - 1, False, True),
        (True, SLOW_REGISTRATION_SECONDS, False, False),
        (True, 10, True, False),
        (False, 10, False, False),
    ],
)
def test_slow_a_registration_takes_its_time(slow: bool, age: int, known: bool, waits: bool) -> None:
    target = TargetView("a", 6443, "z", registered_at=1000.0)
    leaving = TargetView("b", 6443, "z", draining_since=1000.0, registered_at=1000.0)
    group = TargetGroupView("group", None, CHECK, True, 0, (target, leaving))
    found = {("c", "a"): (Finding(True, 1001.0, 1001.0),)} if known else {}
    told = registering({"group": group}, [route(registered_at=1000.0)], found, 1000.0 + age, slow)
    assert told == ({("group", "a")} if waits else set())


def test_findings_outlive_the_supervisor(tmp_path: Path) -> None:
    found = seen((0, WELL), (100, ILL), slow=True)
    assert len(found["c", "a"]) == 2
    findings.save(tmp_path / "findings.json", found)
    assert findings.load(tmp_path / "findings.json") == found
    assert findings.load(tmp_path / "none.json") == {}
