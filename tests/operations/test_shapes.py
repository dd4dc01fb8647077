"""The shapes side by side."""

from __future__ import annotations

from typing import Any

import pytest

from operations.shapes import shapes
from pricing.bill import bill
from pricing.topology import topology
from tests.operations.stacks import DEV, EDUCATION, PROD, STACKED, settings
from tests.pricing.test_bill import FLAT


@pytest.mark.parametrize(
    ("groups", "here"), [(EDUCATION, "education"), (DEV, "dev"), (STACKED, "stacked"), (PROD, "external")]
)
def test_the_stack_itself_is_marked_with_its_own_bill(groups: dict[str, Any], here: str) -> None:
    found = shapes(settings(groups), FLAT)
    assert [shape.name for shape in found] == ["education", "dev", "stacked", "external", "EKS"]
    (marked,) = [shape for shape in found if shape.here]
    assert marked.name == here
    assert marked.monthly == pytest.approx(bill(topology(settings(groups)), FLAT).total)


@pytest.mark.parametrize("groups", [EDUCATION, DEV, STACKED, PROD])
def test_each_shape_survives_and_costs_no_less_than_the_one_before(groups: dict[str, Any]) -> None:
    education, dev, stacked, external, eks = shapes(settings(groups), FLAT)
    assert (education.monthly or 0) < (dev.monthly or 0) < (stacked.monthly or 0) < (external.monthly or 0)
    assert [s.machine_lost for s in (education, dev, stacked, external, eks)] == ["API stops"] * 2 + [
        "API stays up"
    ] * 3
    assert [s.zone_lost for s in (dev, stacked, external)] == ["API stops", "API stays up", "API stays up"]


def test_eks_pays_for_its_control_plane_and_the_same_workers() -> None:
    eks = shapes(settings(PROD), FLAT)[-1]
    workers, roots, gateways, addresses, control_plane = 60.0, 9.0, 15.0, 3.0, 10.0
    assert eks.monthly == pytest.approx(workers + roots + gateways + addresses + control_plane)


def test_without_prices_the_shapes_are_reported_all_the_same() -> None:
    assert all(shape.monthly is None and shape.machines for shape in shapes(settings(PROD), None))
