from __future__ import annotations

from dataclasses import replace

from sandbox.cloud.balancer.names import addresses_of
from sandbox.cloud.balancer.view import NodeView
from sandbox.tests.cloud.balancer.views import BALANCER, NODE, SECOND_NODE

NAME = BALANCER.dns_name
PUBLIC = replace(
    BALANCER,
    internal=False,
    nodes=(NodeView("eu-central-1a", NODE, "198.51.100.1"), NodeView("eu-central-1b", SECOND_NODE, "198.51.100.2")),
)


def test_an_internal_load_balancer_has_the_addresses_of_its_nodes() -> None:
    assert addresses_of([BALANCER], NAME, ()) == [("A", 60, NODE), ("A", 60, SECOND_NODE)]


def test_one_that_faces_the_internet_has_public_addresses_for_everybody() -> None:
    assert addresses_of([PUBLIC], NAME, ()) == [("A", 60, "198.51.100.1"), ("A", 60, "198.51.100.2")]


def test_a_name_in_a_zone_is_the_node_there() -> None:
    assert addresses_of([BALANCER], f"eu-central-1b.{NAME}", ()) == [("A", 60, SECOND_NODE)]
    assert addresses_of([BALANCER], f"eu-central-1c.{NAME}", ()) is None


def test_nodes_that_do_not_answer_are_left_out_unless_all_are() -> None:
    assert addresses_of([BALANCER], NAME, {NODE}) == [("A", 60, SECOND_NODE)]
    assert addresses_of([BALANCER], NAME, {NODE, SECOND_NODE}) == [("A", 60, NODE), ("A", 60, SECOND_NODE)]


def test_a_load_balancer_that_is_gone_has_no_name() -> None:
    assert addresses_of([], NAME, ()) is None
