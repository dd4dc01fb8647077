"""A living cluster keeps the zones that it has, whatever AWS lists; only a new one, or one that grows, asks for any."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pulumi
import pytest

from components.cluster import Cluster
from components.plan import Plan
from components.previous_update import PreviousUpdate, previous_update_in
from components.region import Region, region_of
from components.settings.model import Settings
from components.settings.validate import parse
from components.zones import moved
from tests.components import education
from tests.components.recording import Answers, Recording, record
from tests.components.settings.stack_files import LARGE, changed
from tests.components.stacks import recorded, settings_of

LISTING = "aws:index/getAvailabilityZones:getAvailabilityZones"
OFFERINGS = "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings"
SERVICE = "aws:ec2/getVpcEndpointService:getVpcEndpointService"
SUBNET = "aws:ec2/subnet:Subnet"
HAS = dict(enumerate(education.ZONES))


def listing(*letters: str) -> Answers:
    return {**education.ANSWERS, LISTING: {"names": [f"eu-central-1{letter}" for letter in letters]}}


def offering(missing: Mapping[str, Sequence[str]]) -> Answers:
    """Every type in the zones a to d, but for those that are `missing`: type to letters."""

    def offerings(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        names = [name for each in asked.get("filters") or () for name in each["values"]]
        pairs = [(name, f"eu-central-1{z}") for name in names for z in "abcd" if z not in missing.get(name, ())]
        return {"instanceTypes": [name for name, _ in pairs], "locations": [zone for _, zone in pairs]}

    return {**listing("a", "b", "c", "d"), OFFERINGS: offerings}


def program(settings: Settings, answers: Answers, previous: PreviousUpdate | None = None) -> Recording:
    def run() -> None:
        try:
            Cluster(settings.cluster.name, settings, previous)
        except pulumi.RunError as error:
            # A monitor of its own error would hide it.
            raise InterruptedError(str(error)) from None

    return record(run, education.outputs, answers)


def region(settings: Settings, answers: Answers, previous: PreviousUpdate | None = None) -> Region:
    """What the program takes of the region. It is what AWS' answers become, without the seconds of a whole cluster."""
    taken: list[Region] = []

    def run() -> None:
        try:
            taken.append(region_of(Plan(settings), previous))
        except pulumi.RunError as error:
            raise InterruptedError(str(error)) from None

    record(run, education.outputs, answers)
    return taken[0]


def state_of(recording: Recording, *, without: Sequence[str] = ()) -> PreviousUpdate:
    """What an update leaves in the state; `without` some of its resources it failed half-way."""
    return previous_update_in(
        {
            f"urn:pulumi:test::quorate::{one.type}::{one.name}": {"type": one.type, "outputs": one.inputs}
            for one in recording.resources.values()
            if one.name not in without
        }
    )


def zones_in(recording: Recording) -> list[str]:
    return [one.inputs["availabilityZone"] for one in recording.of_type(SUBNET) if "-public-" in one.name]


@pytest.mark.parametrize("stack", ["education", "dev", "prod"])
@pytest.mark.parametrize(
    "answers",
    [listing("0", "a", "b", "c"), listing("b", "c"), listing("a", "c", "d"), listing()],
    ids=["a zone before the first", "the first is gone", "the second is gone", "none is left"],
)
def test_another_list_of_zones_changes_nothing_of_a_living_cluster(stack: str, answers: Answers) -> None:
    settings = settings_of(stack)
    previous = replace(state_of(recorded(stack)), settings=settings)
    assert region(settings, answers, previous) == region(settings, education.ANSWERS)


def test_a_living_cluster_does_not_ask_for_zones_and_stays_as_it_is() -> None:
    answers = {token: answer for token, answer in education.ANSWERS.items() if token != LISTING}
    before, settings = recorded("prod"), settings_of("prod")
    previous = replace(state_of(before), settings=settings)
    assert program(settings, answers, previous).resources == before.resources


def test_an_update_that_failed_half_way_goes_on_in_the_zones_that_it_had_chosen() -> None:
    previous = state_of(recorded("dev"), without=["dev-network-public-0"])
    assert previous.zones == {1: "eu-central-1b"}
    assert zones_in(program(settings_of("dev"), listing("b", "c", "d"), previous)) == ["eu-central-1c", "eu-central-1b"]


def test_what_is_there_is_not_made_anew_for_the_name_of_its_zone() -> None:
    prod = recorded("prod")
    there = [*prod.of_type(SUBNET), *prod.of_type("aws:ebs/volume:Volume")]
    assert len(there) == 9
    assert [one.name for one in there if one.ignore_changes != ("availabilityZone",)] == []


def test_a_zone_that_is_added_comes_after_those_that_are_there() -> None:
    previous = PreviousUpdate(settings_of("dev"), zones={0: "eu-central-1b", 1: "eu-central-1c"})
    grown = settings_of("dev", network__zones=3)
    assert list(moved(grown, previous.zones, previous.settings)) == []
    assert zones_in(program(grown, listing("a", "b", "c"), previous)) == [
        "eu-central-1b", "eu-central-1c", "eu-central-1a",
    ]  # fmt: skip
    with pytest.raises(InterruptedError, match="Choose 2 or fewer: the region has eu-central-1b, eu-central-1c"):
        program(grown, listing("b"), previous)


def test_more_zones_are_refused_where_a_machine_would_move() -> None:
    living = parse(LARGE)
    (problem,) = moved(parse(changed(LARGE, network__zones=4)), HAS, living)
    assert (problem.key_path, problem.found) == ("quorate:network.zones", "4 instead of 3")
    assert "etcd-3, etcd-4" in problem.remedy
    assert list(moved(living, HAS, living)) == []


def test_the_zones_that_are_named_are_used_in_their_order() -> None:
    settings = settings_of("dev", network__zoneNames=["eu-central-1c", "eu-central-1a"])
    assert zones_in(program(settings, education.ANSWERS)) == ["eu-central-1c", "eu-central-1a"]


def test_a_named_zone_that_aws_does_not_list_is_refused_by_name() -> None:
    settings = settings_of("dev", network__zoneNames=["eu-central-1a", "eu-central-1z"])
    with pytest.raises(InterruptedError, match=r"network.zoneNames\[1\]\n +found: 'eu-central-1z'\n.*eu-central-1b"):
        program(settings, education.ANSWERS)


@pytest.mark.parametrize(
    ("names", "refused"),
    [
        (["eu-central-1a", "eu-central-1b"], []),
        (["eu-central-1b", "eu-central-1a"], ["zoneNames[0]", "zoneNames[1]"]),
        (["eu-central-1a", "eu-central-1c"], ["zoneNames[1]"]),
        ([], []),
    ],
)
def test_names_of_zones_may_say_what_a_cluster_has_and_nothing_else(names: list[str], refused: list[str]) -> None:
    settings = settings_of("dev", network__zoneNames=names)
    found = list(moved(settings, {0: "eu-central-1a", 1: "eu-central-1b"}, settings_of("dev")))
    assert [problem.key_path for problem in found] == [f"quorate:network.{path}" for path in refused]
    assert all("Change it back to eu-central-1" in problem.remedy for problem in found)


def test_a_new_cluster_takes_zones_that_have_all_its_types() -> None:
    found = region(settings_of("prod"), offering({"m7i.large": "a"}))
    assert found.zones == ("eu-central-1b", "eu-central-1c", "eu-central-1d")


def test_where_too_few_zones_have_all_types_those_of_pools_are_done_without_first() -> None:
    settings = settings_of("prod", workers__0__instanceType="r9.large")
    found = region(settings, offering({"r9.large": "ad", "m7i.large": "a"}))
    assert found.zones == ("eu-central-1b", "eu-central-1c", "eu-central-1d")


def test_a_type_that_too_few_zones_have_is_refused_with_the_zones_that_lack_it() -> None:
    with pytest.raises(InterruptedError, match="not offered in eu-central-1a"):
        region(settings_of("prod"), offering({"m7i.large": "ad"}))


def test_a_living_cluster_gets_a_new_type_only_where_its_own_zones_have_it() -> None:
    previous = replace(state_of(recorded("prod")), settings=settings_of("prod"))
    answers = offering({"r9.large": "b", "m7i.large": "a"})
    with pytest.raises(InterruptedError, match="not offered in eu-central-1b"):
        region(settings_of("prod", controlPlane__instanceType="r9.large"), answers, previous)
    # What it runs on is only warned about.
    assert region(settings_of("prod"), answers, previous) == region(settings_of("prod"), education.ANSWERS)


def test_an_endpoint_of_a_service_that_a_zone_lacks_is_refused_where_it_is_new() -> None:
    settings = settings_of("prod", network__interfaceEndpoints=["ssm"])
    offered = {"privateDnsName": "ssm.eu-central-1.amazonaws.com", "availabilityZones": ["eu-central-1a"]}
    answers = {**education.ANSWERS, SERVICE: offered}
    with pytest.raises(InterruptedError, match=r"Endpoints\[0\]\n +found: 'ssm', not offered in eu-central-1b, eu-cen"):
        region(settings, answers)
    assert region(settings, answers, PreviousUpdate(settings, zones=HAS)).zones == education.ZONES


def test_a_cluster_does_not_follow_its_stack_into_another_region() -> None:
    elsewhere = {**education.ANSWERS, "aws:index/getRegion:getRegion": {"region": "eu-west-1"}}
    with pytest.raises(InterruptedError, match=r"aws:region\n +found: 'eu-west-1'\n +Change it back to eu-central-1"):
        program(settings_of("dev"), elsewhere, state_of(recorded("dev")))
