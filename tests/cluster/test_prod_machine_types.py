"""Another type for every control-plane and etcd machine of a living prod, with clients that write and read."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cluster.account import instance_ids
from tests.cluster.availability import watched
from tests.cluster.bounds import QUIET_SECONDS, TARGET_OUT_SECONDS
from tests.cluster.fault_figures import Figures
from tests.cluster.prod_cluster import CONTROL_PLANES, MEMBERS, UP, ProdCluster, made_prod
from tests.cluster.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.drill]

MACHINES = (*MEMBERS, *CONTROL_PLANES)
TYPE = "m7i.xlarge"


@pytest.fixture(scope="module")
def prod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProdCluster]:
    with made_prod(tmp_path_factory) as made:
        yield made


def test_machines_that_change_their_type_take_turns_and_the_api_goes_on(prod: ProdCluster) -> None:
    figures, ids, instances = Figures(), prod.member_ids(), instance_ids(prod.workspace.environment)
    prod.workspace.set("controlPlane", "instanceType", TYPE)
    prod.workspace.set("etcd", "instanceType", TYPE)
    with watched(prod.workspace, prod.workers()[0]) as watch:
        with watch.making():
            prod.workspace.pulumi(*UP)
        until(prod.is_well, "every node Ready, every target healthy, every member well", 120)
        seen = watch.until_well(QUIET_SECONDS, 90)
    figures.add("machine-type-changed", f"{len(MACHINES)} machines in turn", seen)
    for place, each in seen.items():
        # Each is stopped in good order, and the next only when it serves again.
        assert each.longest_run <= TARGET_OUT_SECONDS, (place, str(each))
        assert len(each.failed) <= len(MACHINES) * TARGET_OUT_SECONDS / 2, (place, str(each))
    now = instance_ids(prod.workspace.environment)
    assert {name: now[name] for name in MACHINES} == {name: instances[name] for name in MACHINES}
    assert types(prod) == dict.fromkeys(MACHINES, TYPE)
    assert prod.member_ids() == ids
    assert len(prod.hashes()) == 1
    prod.assert_nothing_is_lost(watch)
    assert prod.workspace.changes(*UP) == {}


def types(prod: ProdCluster) -> dict[str, str]:
    """The type of each machine, as the account has it."""
    names = {prod.instance(name): name for name in MACHINES}
    reservations = prod.workspace.ec2().describe_instances(InstanceIds=list(names))["Reservations"]
    return {
        names[instance["InstanceId"]]: str(instance["InstanceType"])
        for reservation in reservations
        for instance in reservation["Instances"]
    }
