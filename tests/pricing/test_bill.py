"""The monthly bill."""

from __future__ import annotations

import pytest

from pricing.bill import Bill, bill
from pricing.tables import Prices, priced_regions, prices
from pricing.topology import topology
from tests.operations.stacks import DEV, EDUCATION, PROD, STACKED, settings, with_bastion

FLAT = Prices(
    region="test",
    recorded="today",
    source="made up",
    hours_per_month=100,
    instance_hour={"t3.micro": 0.01, "t3.medium": 0.1, "m7i.large": 0.2, "m7i.xlarge": 0.4},
    other={
        "gp3_gib_month": 0.1,
        "nat_gateway_hour": 0.05,
        "load_balancer_hour": 0.03,
        "public_address_hour": 0.01,
        "interface_endpoint_hour": 0.02,
        "private_zone_month": 0.5,
        "s3_gib_month": 0.02,
        "kms_key_month": 1.0,
        "eks_control_plane_hour": 0.1,
    },
)


def parts(costs: Bill) -> dict[str, float | None]:
    return {line.part: line.total for line in costs.lines}


def test_education_is_a_machine_two_disks_an_address_and_a_zone() -> None:
    costs = bill(topology(settings(EDUCATION)), FLAT)
    assert parts(costs) == pytest.approx(
        {"control plane": 10.0, "root disks": 3.0, "etcd disks": 2.0, "public addresses": 1.0, "private DNS zone": 0.5}
    )
    assert costs.total == pytest.approx(16.5)
    assert costs.further_at_maximum == 0


def test_prod_pays_for_every_machine_disk_gateway_and_balancer() -> None:
    found = parts(bill(topology(with_bastion(settings(PROD))), FLAT))
    assert found == pytest.approx(
        {
            "control plane": 120.0,
            "etcd": 60.0,
            "bastion": 1.0,
            "workers: general": 60.0,
            "root disks": (3 * 30 + 3 * 20 + 10 + 3 * 30) * 0.1,
            "etcd disks": 6.0,
            "load balancers": 3.0,
            "NAT": 15.0,
            "public addresses": 4.0,  # of three NAT gateways and the bastion
            "private DNS zone": 0.5,
        }
    )


def test_snapshots_cost_what_the_bucket_holds_in_the_long_run_and_a_key() -> None:
    backups = {"enabled": True, "intervalHours": 24, "keepMonthlyMonths": 0, "retentionDays": 33}
    with_snapshots = parts(bill(topology(settings(PROD, backups=backups)), FLAT))
    without = parts(bill(topology(settings(PROD)), FLAT))
    assert {part: cost for part, cost in with_snapshots.items() if part not in without} == pytest.approx(
        {"snapshots of etcd": (33 + 7) * 100 / 1024 * 0.02, "their key": 1.0}
    )


def test_workers_above_the_minimum_are_distinguished() -> None:
    costs = bill(topology(settings(PROD)), FLAT)
    assert costs.further_at_maximum == pytest.approx(6 * (20 + 3))
    costs = bill(topology(settings(DEV)), FLAT)
    assert costs.further_at_maximum == pytest.approx(2 * (10 + 3 + 1)), "these have a public address too"


def test_external_etcd_costs_its_machines_more_than_stacked() -> None:
    difference = bill(topology(settings(PROD)), FLAT).total - bill(topology(settings(STACKED)), FLAT).total
    assert difference == pytest.approx(3 * (20 + 2.0))


def test_a_type_without_a_price_is_named_and_not_counted_as_free() -> None:
    costs = bill(topology(settings(EDUCATION, controlPlane={"instanceType": "x9.huge"})), FLAT)
    assert costs.unpriced == ("x9.huge",)
    assert parts(costs)["control plane"] is None


@pytest.mark.parametrize("region", priced_regions())
def test_every_region_has_all_figures_with_date_and_source(region: str) -> None:
    table = prices(region)
    assert table is not None
    assert table.recorded[:2] == "20"
    assert table.source
    assert set(FLAT.other) <= set(table.other)
    for groups in (EDUCATION, DEV, PROD):
        assert not bill(topology(settings(groups)), table).unpriced


def test_a_region_without_prices_has_none() -> None:
    assert prices("mars-north-1") is None
