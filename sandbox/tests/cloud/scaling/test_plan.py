from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from sandbox.cloud.scaling.plan import Member, Place, in_order_of_end, plan

PLACES = [Place(f"subnet-{zone}", zone) for zone in "abc"]


def members(zones: str) -> list[Member]:
    return [Member(f"i-{number}", f"subnet-{zone}", zone, float(number)) for number, zone in enumerate(zones)]


def test_launches_go_to_the_emptiest_zone() -> None:
    assert [place.zone for place in plan(5, PLACES, members("aab")).launch] == ["c", "b"]


def test_in_one_zone_the_emptier_subnet_is_taken() -> None:
    places = [Place("subnet-1", "a"), Place("subnet-2", "a")]
    assert [p.subnet_id for p in plan(4, places, []).launch] == ["subnet-1", "subnet-2"] * 2


def test_the_fullest_zone_gives_one_up_first_and_there_the_oldest() -> None:
    assert plan(2, PLACES, members("abcb")).terminate == ("i-1", "i-0")


def test_an_outdated_instance_ends_before_an_older_one_of_its_zone() -> None:
    first, second = members("aa")
    assert plan(1, PLACES, [first, replace(second, outdated=True)]).terminate == ("i-1",)


@given(st.integers(0, 12), st.text("abc", max_size=12))
def test_a_plan_reaches_the_number_wanted_and_never_widens_the_spread(wanted: int, zones: str) -> None:
    present = members(zones)
    decided = plan(wanted, PLACES, present)
    ended = set(decided.terminate)
    after = [m.zone for m in present if m.id not in ended] + [place.zone for place in decided.launch]
    assert len(after) == wanted
    assert _spread(after) <= max(_spread(list(zones)), 1)


@given(st.text("abc", max_size=9))
def test_the_order_of_end_names_everybody_once(zones: str) -> None:
    present = members(zones)
    assert sorted(m.id for m in in_order_of_end(present)) == sorted(m.id for m in present)


def _spread(zones: list[str]) -> int:

    counted = [zones.count(zone) for zone in "abc"]
    return max(counted) - min(counted)
