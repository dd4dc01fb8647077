"""Sizes against node count, and limits."""

from __future__ import annotations

import pytest

from operations.sizes import limit_rows, size_for, warnings
from pricing.tables import burstable, control_plane_sizes, cpus, etcd_sizes, memory_gib
from pricing.topology import topology
from tests.operations.stacks import DEV, EDUCATION, PROD, settings


@pytest.mark.parametrize(
    ("instance_type", "count", "memory"),
    [
        ("t3.micro", 2, 1.0),
        ("t3.medium", 2, 4.0),
        ("t3.xlarge", 4, 16.0),
        ("m7i.large", 2, 8.0),
        ("m7i-flex.2xlarge", 8, 32.0),
        ("c6i.4xlarge", 16, 32.0),
        ("r6i.8xlarge", 32, 256.0),
        ("m5.medium", 1, 4.0),
        ("m7i.metal-24xl", None, None),
        ("x2idn.large", 2, None),
    ],
)
def test_cpus_and_memory_follow_from_family_and_size(instance_type: str, count: int, memory: float) -> None:
    assert cpus(instance_type) == count
    assert memory_gib(instance_type) == memory


def test_burstable_types_are_those_of_the_t_families() -> None:
    assert burstable("t3.medium")
    assert not burstable("trn1.2xlarge")


def test_sizes_grow_with_the_number_of_nodes() -> None:
    for sizes in (control_plane_sizes(), etcd_sizes()):
        found = [size_for(nodes, sizes).cpus for nodes in range(1, 6000, 50)]
        assert found == sorted(found)
        assert size_for(10**6, sizes) is sizes[-1]


def told(**changes: dict[str, object]) -> str:
    chosen = settings(PROD, **changes)
    return "\n".join(warnings(chosen, topology(chosen)))


def test_machines_that_fit_are_not_warned_of() -> None:
    education = settings(EDUCATION)
    assert warnings(education, topology(education)) == ()
    assert "controlPlane.instanceType" not in told()
    assert "etcd.instanceType" not in told()


def test_a_small_control_plane_is_reported_with_the_type_to_choose() -> None:
    assert "controlPlane.instanceType t3.medium has 2 CPUs and 4 GiB" in told(
        controlPlane={"instanceType": "t3.medium"}
    )
    assert "Choose m7i.xlarge" in told(controlPlane={"instanceType": "t3.medium"})


def test_calicos_nodes_take_smaller_ranges_and_may_run_out_of_addresses_for_pods() -> None:
    flannel = settings(DEV)
    rows = {row.subject: row for row in limit_rows(flannel, topology(flannel))}
    assert rows["nodes that network.podCidr has a /24 for"].limit == 2**8
    pools = [{"name": "general", "minimum": 1, "maximum": 1000}]
    calico = settings({**PROD, "workers": pools})
    rows = {row.subject: row for row in limit_rows(calico, topology(calico))}
    assert rows["nodes that network.podCidr has a /26 for"].limit == 2**10
    addresses = rows["pods that network.podCidr has addresses for"]
    assert (addresses.limit, addresses.here, addresses.kept) == (2**16, 1003 * 110, False)


def test_a_burstable_etcd_is_reported() -> None:
    assert "limits its CPU by credits" in told(etcd={"instanceType": "t3.large"})


def test_two_zones_one_zone_and_one_gateway_are_reported() -> None:
    assert "Set network.zones to 3" in told(network={"zones": 2})
    assert "several control planes in one zone" in told(network={"zones": 1})
    assert "Set network.nat to perZone" in told(network={"nat": "single"})
    assert "network" not in told()


def test_limits_are_compared_with_the_pools_maximum() -> None:
    pools = [{"name": f"pool-{n}", "minimum": 1, "maximum": 2000} for n in range(2)]
    chosen = settings({**PROD, "workers": pools}, network={"podCidr": "100.64.0.0/11"}, kubelet={"maxPods": 200})
    rows = {row.subject: row for row in limit_rows(chosen, topology(chosen))}
    assert (rows["nodes"].here, rows["nodes"].kept) == (4003, True)
    assert not rows["pods per node"].kept
    assert not rows["pods, if every node were full"].kept
    assert rows["nodes that network.podCidr has a /26 for"].limit == 2**15
    assert rows["pods that network.podCidr has addresses for"].limit == 2**21
    assert "pods per node: 200 against a limit of 110. Lower kubelet.maxPods." in warnings(chosen, topology(chosen))
