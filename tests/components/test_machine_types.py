"""Machine types that a region doesn't have, or that can't do their role's work, are refused at their key path."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from components.machine_types import MachineType, Offers, Verdict, judged, wanted_types
from components.plan import Plan
from tests.components.stacks import settings_of

ZONES = ("eu-central-1a", "eu-central-1b", "eu-central-1c")
HVM, X86 = frozenset({"hvm"}), frozenset({"x86_64"})
TYPES = {
    "t3.medium": MachineType(2, 4096, X86, HVM),
    "t3.large": MachineType(2, 8192, X86, HVM),
    "m7i.large": MachineType(2, 8192, X86, HVM),
    "t3.micro": MachineType(2, 1024, X86, HVM),
    "r9.one": MachineType(1, 8192, X86, HVM),
    "r9.tiny": MachineType(2, 512, X86, HVM),
    "q9.large": MachineType(2, 8192, frozenset({"arm64"}), HVM),
    "o9.large": MachineType(2, 8192, X86, frozenset({"paravirtual"})),
}


def verdicts(stack: str, offered: Any = None, **changes: Any) -> list[Verdict]:
    everywhere = {name: frozenset(ZONES) for name in TYPES}
    offers = Offers(ZONES, {**everywhere, **(offered or {})}, TYPES, tuple(TYPES))
    return list(judged(wanted_types(Plan(settings_of(stack, **changes))), offers))


@pytest.mark.parametrize("stack", ["education", "dev", "prod"])
def test_the_types_of_the_shipped_stacks_can_do_their_work(stack: str) -> None:
    assert verdicts(stack) == []


@pytest.mark.parametrize("key", ["controlPlane__instanceType", "etcd__instanceType", "workers__0__instanceType"])
@pytest.mark.parametrize(
    ("name", "found", "remedy"),
    [
        ("m99.large", "'m99.large'", "none of this name"),
        ("r9.tiny", "512 MiB", "at least"),
        ("q9.large", "arm64", "x86_64"),
        ("o9.large", "paravirtual", "hvm"),
    ],
)
def test_a_type_that_cannot_do_its_roles_work_is_refused_where_it_stands(
    key: str, name: str, found: str, remedy: str
) -> None:
    (verdict,) = verdicts("prod", None, **{key: name})
    assert verdict.refused
    assert verdict.problem.key_path == f"quorate:{key.replace('__0__', '[0].').replace('__', '.')}"
    assert found in verdict.problem.found
    assert remedy in verdict.problem.remedy


def test_one_cpu_is_enough_for_a_worker_and_not_for_a_control_plane() -> None:
    assert verdicts("prod", workers__0__instanceType="r9.one") == []
    (verdict,) = verdicts("prod", controlPlane__instanceType="r9.one")
    assert "2 CPUs" in verdict.problem.remedy


def test_the_nearest_name_of_the_region_is_named() -> None:
    (verdict,) = verdicts("prod", workers__0__instanceType="m7.large")
    assert "Did you mean m7i.large?" in verdict.problem.remedy


def test_a_type_must_be_in_each_zone_of_a_machine_and_in_one_zone_of_a_pool() -> None:
    here = {"m7i.large": frozenset({"eu-central-1a"})}
    (verdict,) = verdicts("prod", here)
    assert (verdict.refused, verdict.problem.key_path) == (True, "quorate:etcd.instanceType")
    assert "not offered in eu-central-1b, eu-central-1c" in verdict.problem.found
    pool = verdicts("prod", {"r9.one": frozenset({"eu-central-1a"})}, workers__0__instanceType="r9.one")
    assert [one.refused for one in pool] == [False]
    away = verdicts(
        "prod",
        {"r9.one": frozenset({"eu-central-1a"})},
        workers__0__instanceType="r9.one",
        workers__0__zones=[2, 3],
    )
    assert [one.refused for one in away] == [True]


def test_what_a_living_cluster_has_already_is_only_said() -> None:
    plan = Plan(settings_of("prod", etcd__instanceType="t3.micro"))
    offers = Offers(ZONES, {name: frozenset(ZONES) for name in TYPES}, TYPES)
    (new,) = judged(wanted_types(plan), offers)
    (living,) = judged(wanted_types(plan), offers, wanted_types(plan))
    assert (new.refused, living.refused) == (True, False)
    assert new.problem == living.problem


@pytest.mark.parametrize("stack", ["prod", "education"])
def test_a_larger_quota_of_etcd_needs_a_machine_with_as_much_memory_more(stack: str) -> None:
    types = {name: dataclasses.replace(kind, memory_mib=8192) for name, kind in TYPES.items()}
    offers = Offers(ZONES, {name: frozenset(ZONES) for name in TYPES}, types)
    fitting = Plan(settings_of(stack, etcd__quotaMib=6144))
    assert list(judged(wanted_types(fitting), offers)) == []
    larger = Plan(settings_of(stack, etcd__quotaMib=8192, etcd__volumeGib=30))
    (verdict,) = judged(wanted_types(larger), offers, wanted_types(fitting))
    assert verdict.refused, "it is the quota that is new, not the machine type"
    assert "10,240 MiB, such as m7i.xlarge: etcd.quotaMib is 8192" in verdict.problem.remedy
    (kept,) = judged(wanted_types(larger), offers, wanted_types(larger))
    assert not kept.refused
