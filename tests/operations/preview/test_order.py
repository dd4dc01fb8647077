"""What runs before what, and which machines may pause together."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from operations.preview.digest import Action, Step
from operations.preview.effects import Effect, Impact
from operations.preview.order import ranks, together
from pricing.topology import topology
from tests.operations.stacks import EDUCATION, PROD, STACKED, settings


def step(name: str, *needs: str) -> Step:
    return Step(name, Action.UPDATE, {}, {}, needs=frozenset(needs))


def pausing(*machines: str, lock: str = "") -> Mapping[str, Effect]:
    return {machine: Effect(Impact.MACHINE, "stops", machine, lock) for machine in machines}


def test_ranks_count_what_must_come_before_through_steps_that_do_nothing() -> None:
    steps = [step("a"), step("quiet", "a"), step("b", "quiet"), step("c", "b", "a"), step("d")]
    assert ranks(steps, frozenset("abcd")) == {"a": 0, "b": 1, "c": 2, "d": 0}


def test_needs_outside_of_the_preview_and_circles_do_no_harm() -> None:
    found = ranks([step("a", "elsewhere"), step("b", "c"), step("c", "b")], frozenset("abc"))
    assert found["a"] == 0
    assert set(found) == {"a", "b", "c"}


def test_a_long_chain_is_ranked_without_recursion() -> None:
    steps = [step("0"), *(step(str(n), str(n - 1)) for n in range(1, 5000))]
    assert ranks(steps, frozenset(s.urn for s in steps))["4999"] == 4999


def test_one_of_three_pausing_alone_stops_nothing() -> None:
    steps = [step("etcd-0")]
    assert together(steps, pausing("etcd-0"), topology(settings(PROD))) == frozenset()


def test_two_members_that_do_not_wait_for_each_other_stop_the_api() -> None:
    steps = [step("etcd-0"), step("etcd-1"), step("etcd-2")]
    found = together(steps, pausing("etcd-0", "etcd-1", "etcd-2"), topology(settings(PROD)))
    assert found == {"etcd-0", "etcd-1"}


def test_members_in_a_chain_stop_nothing_however_long_it_is() -> None:
    steps = [step("etcd-0"), step("between", "etcd-0"), step("etcd-1", "between"), step("etcd-2", "etcd-1")]
    assert together(steps, pausing("etcd-0", "etcd-1", "etcd-2"), topology(settings(PROD))) == frozenset()


def test_members_that_take_turns_stop_nothing_and_those_of_two_locks_do() -> None:
    names = ("etcd-0", "etcd-1", "etcd-2")
    steps = [step(name) for name in names]
    assert together(steps, pausing(*names, lock="etcd"), topology(settings(PROD))) == frozenset()
    mixed = {**pausing("etcd-0", lock="etcd"), **pausing("etcd-1", lock="other")}
    assert together(steps, mixed, topology(settings(PROD))) == {"etcd-0", "etcd-1"}


def test_one_step_out_of_order_is_enough_to_pause_together() -> None:
    steps = [
        step("instance-0"),
        step("configure-0", "instance-0"),
        step("instance-1"),
        step("configure-1", "configure-0"),
    ]
    effects = {
        "instance-0": Effect(Impact.MACHINE, "stops", "etcd-0"),
        "instance-1": Effect(Impact.MACHINE, "stops", "etcd-1"),
        "configure-0": Effect(Impact.MACHINE, "restarts", "etcd-0"),
        "configure-1": Effect(Impact.MACHINE, "restarts", "etcd-1"),
    }
    assert together(steps, effects, topology(settings(PROD))) == {"etcd-0", "etcd-1"}


def test_all_three_control_planes_at_once_stop_the_api_and_two_do_not() -> None:
    names = ("control-plane-0", "control-plane-1", "control-plane-2")
    steps = [step(name) for name in names]
    assert together(steps, pausing(*names), topology(settings(PROD))) == set(names)
    assert together(steps, pausing(*names[:2]), topology(settings(PROD))) == frozenset()
    assert together(steps, pausing(*names[:2]), topology(settings(STACKED))) == set(names[:2]), "they hold members"


@pytest.mark.parametrize("machine", ["control-plane-0"])
def test_the_only_machine_stops_the_api_by_itself(machine: str) -> None:
    assert together([step(machine)], pausing(machine), topology(settings(EDUCATION))) == {machine}


def test_a_machine_that_is_not_there_yet_stops_nothing() -> None:
    assert together([step("etcd-7")], pausing("etcd-7"), topology(settings(PROD))) == frozenset()
