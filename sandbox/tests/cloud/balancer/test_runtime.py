"""haproxy is brought to what is wanted by the fewest commands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from sandbox.cloud.balancer.config import Backend, Server
from sandbox.cloud.balancer.runtime import RuntimeRefused, ServerState, bring_about, carry_over, cut, forward, states_in

SERVER = Server("a", "10.20.0.10", 6443, "check")
UP = ServerState("10.20.0.10:6443", "UP", "L7OK", "200", 0)
OPEN, CLOSED = replace(UP, status="no check"), replace(UP, status="DOWN")


class Told:
    """An haproxy that does as told, and remembers."""

    def __init__(self, answers: Mapping[str, str]) -> None:
        self.commands: list[str] = []
        self.answers = answers

    def __call__(self, command: str) -> str:
        self.commands.append(command)
        usual = {"add": "New server registered.", "del": "Server deleted."}
        verb = command.split(" ", 1)[0]
        return self.answers.get(verb, usual.get(verb, ""))


def commands(
    *servers: Server,
    known: ServerState | None = None,
    checked: bool = True,
    ends: bool = True,
    answers: Mapping[str, str] | None = None,
) -> list[str]:
    told = Told(answers or {})
    states = {"b": {"a": known}} if known else {"b": {}}
    bring_about(told, [Backend("b", servers, checked, ends)], states)
    return told.commands


def test_what_is_as_wanted_is_left_alone() -> None:
    assert commands(SERVER, known=UP) == []


def test_a_new_target_must_pass_its_checks_before_it_gets_anything() -> None:
    assert commands(SERVER) == [
        "add server b/a 10.20.0.10:6443 check",
        "set server b/a state ready",
        "set server b/a health down",
        "enable health b/a",
    ]


def test_a_target_without_checks_gets_nothing_until_that_is_said() -> None:
    assert commands(SERVER, checked=False)[1:] == ["set server b/a state ready", "set server b/a health down"]


def test_new_connections_go_to_the_receivers_alone() -> None:
    told = Told({})
    forward(told, Backend("b", (), checks=False), {"well", "back"}, {"b": {"well": OPEN, "ill": OPEN, "back": CLOSED}})
    assert told.commands == ["set server b/ill health down", "set server b/back health up"]


def test_connections_are_cut_without_the_server() -> None:
    told = Told({})
    cut(told, Backend("b", (), checks=False), ["a"])
    assert told.commands == ["shutdown sessions server b/a"]


def test_one_that_was_to_be_removed_comes_back() -> None:
    assert commands(SERVER, known=replace(UP, status="MAINT"))[0] == "set server b/a state ready"


def test_one_that_has_left_is_cut_and_removed() -> None:
    removal = ["set server b/a state maint", "shutdown sessions server b/a", "del server b/a"]
    assert commands(known=replace(UP, connections=3)) == removal
    assert commands(known=replace(OPEN, connections=3), ends=False) == ["set server b/a health down"]
    assert commands(known=replace(CLOSED, connections=3), ends=False) == []
    assert commands(known=CLOSED, ends=False) == removal


def test_connections_that_are_still_ending_are_waited_for() -> None:
    answer = "Server still has connections attached to it, cannot remove it."
    assert commands(known=UP, answers={"del": answer})[-1] == "del server b/a"


def test_another_address_is_another_server() -> None:
    moved = commands(replace(SERVER, address="10.20.0.11"), known=UP)
    assert moved.index("del server b/a") < moved.index("add server b/a 10.20.0.11:6443 check")


def test_what_haproxy_refuses_is_an_error_that_says_what_and_why() -> None:
    with pytest.raises(RuntimeRefused, match=r"add server b/a .* no such backend"):
        commands(SERVER, answers={"add": "no such backend"})


def test_after_a_start_those_that_were_healthy_are_fully_so_and_others_must_pass_their_checks() -> None:
    told = Told({})
    servers = tuple(replace(SERVER, name=name) for name in ("well", "new"))
    checks, forwards = Backend("c", servers, checks=True), Backend("f", servers, checks=False)
    carry_over(told, [checks, forwards], {("c", "well")}, {("f", "new")})
    assert told.commands == [
        "set server c/well health up",
        "set server c/new health down",
        # It has started without weight.
        "set server f/new health down",
        "set server f/new weight 1",
    ]


def test_servers_are_read_from_the_statistics() -> None:
    head = "# pxname,svname,scur,status,check_status,check_code,addr,lastchg,\n"
    server = "b,a,2,UP 1/2,L7STS,500,10.20.0.10:6443,7,\n"
    states = states_in(f"{head}f,FRONTEND,1,OPEN,,,,,\n{server}b,BACKEND,2,UP,,,,,\nc,BACKEND,0,DOWN,,,,,\n")
    assert states == {"b": {"a": ServerState("10.20.0.10:6443", "UP 1/2", "L7STS", "500", 2, 7)}, "c": {}}
    assert states["b"]["a"].is_up


def test_the_last_check_counts_also_while_the_next_one_is_under_way() -> None:
    answer = "# pxname,svname,scur,status,check_status,check_code,addr,lastchg,\nb,a,0,DOWN,* INI,,10.20.0.10:6443,0,\n"
    assert states_in(answer)["b"]["a"].check == "INI"
