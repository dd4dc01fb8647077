"""What `dev` declares: one control plane, and workers that join by themselves."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import PurePath

import pytest
import yaml

from components.delivery.worker_files import worker_files
from components.kubeadm.documents import worker_join
from components.network_plugins.network_plugin import network_plugin
from components.plan import Plan
from components.settings.about import Change, about_of, key_of
from components.settings.model import Settings, WorkerPoolSettings
from tests.components.recording import Secret
from tests.components.stacks import COMMAND, GROUP, INSTANCE, TEMPLATE, recorded, settings_of, varied, waits_for


def test_dev_has_workers_that_join_by_themselves() -> None:
    dev = recorded("dev")
    (group,) = dev.of_type(GROUP)
    assert (group.inputs["minSize"], group.inputs["maxSize"]) == (2, 4)
    assert "desiredCapacity" not in group.inputs, "it is the autoscaler's to say"
    assert group.inputs["waitForCapacityTimeout"] == "0", "a shrinking group would be waited for at its old size"
    assert group.inputs["launchTemplate"]["version"] == "3", "$Latest starts no refresh"
    assert len(group.inputs["vpcZoneIdentifiers"]) == 2
    assert len(dev.of_type(INSTANCE)) == 1
    assert (
        dev.named(COMMAND, "dev-ready").inputs["create"].endswith("quorate-node wait-ready control-plane-0 general:2")
    )


def test_the_readiness_check_waits_for_the_pools() -> None:
    dev = recorded("dev")
    assert waits_for(dev, dev.named(COMMAND, "dev-ready"), f"{GROUP} dev-pool-general-group")


def test_the_credentials_to_join_never_come_into_the_state() -> None:
    parameter = recorded("dev").named("aws:ssm/parameter:Parameter", "dev-workers-join")
    assert "value" not in parameter.inputs, "a refresh would read what the control plane wrote"
    assert parameter.inputs["valueWo"] in ("none-yet", Secret("none-yet"))
    assert parameter.inputs["name"] == "/quorate/dev/workers/join"


def test_the_number_of_resources_does_not_grow_with_the_number_of_workers() -> None:
    wide = ("network__podCidr", "10.128.0.0/9")
    few, many = (recorded("dev", (wide, ("workers__0__maximum", most))) for most in (4, 4999))
    assert set(few.resources) == set(many.resources)


def test_a_maximum_of_thousands_changes_the_group_and_nothing_else() -> None:
    wide = ("network__podCidr", "10.128.0.0/9")
    few, many = (recorded("dev", (wide, ("workers__0__maximum", most))).resources for most in (4, 4999))
    # Settings are recorded for the next update to compare with; that is an output of the component.
    differing = {
        key: {name for name in few[key].inputs if few[key].inputs[name] != many[key].inputs.get(name)}
        for key in few
        if few[key] != many[key]
    }
    assert differing == {f"{GROUP} dev-pool-general-group": {"maxSize"}}


# A setting of each group that a worker has something to do with, or might have.
CHANGES = {
    "cluster__containerdVersion": "2.3.6",
    "kubelet__maxPods": 64,
    "kubelet__containerLogMaxSize": "20Mi",
    "kubelet__imageGcHighThresholdPercent": 90,
    "networkPlugin__version": "0.28.9",
    "access__sshCidrs": ["192.0.2.7/32"],
    "etcd__heartbeatIntervalMs": 200,
    "etcd__volumeGib": 40,
    "controlPlane__schedulable": True,
    "controlPlane__apiServerArguments": {"max-requests-inflight": "350"},
    "addons__metricsServer": False,
    "workers__0__instanceType": "t3.large",
    "workers__0__labels": {"purpose": "web"},
    "workers__0__taints": [{"key": "purpose", "effect": "PreferNoSchedule"}],
    "workers__0__rootVolumeGib": 40,
    "workers__0__minimum": 3,
}


@pytest.mark.parametrize("path", CHANGES)
def test_a_change_rolls_the_pools_exactly_where_the_documentation_says_so(path: str) -> None:
    # Past the cache, which takes no lists.
    changed = recorded.__wrapped__("dev", ((path, CHANGES[path]),))
    before, after = (stack.of_type(TEMPLATE)[0] for stack in (recorded("dev"), changed))
    group, *_, key = path.split("__")
    kind = WorkerPoolSettings if group == "workers" else type(getattr(settings_of("dev"), _snake(group)))
    said = about_of(next(field for field in fields(kind) if key_of(field.name) == key)).change
    assert (before.inputs != after.inputs) == (said in (Change.ROLLS_WORKERS, Change.REPLACES_MACHINE))


def _snake(key: str) -> str:
    return next(field.name for field in fields(Settings) if key_of(field.name) == key)


def test_a_worker_has_the_stacks_kubelet_settings_even_where_the_clusters_stored_ones_are_older() -> None:
    settings = settings_of("dev", kubelet__maxPods=64)
    plan = Plan(settings)
    (patch,) = (
        file
        for file in worker_files(plan, settings.workers[0], network_plugin(plan), "pem", "eu-central-1")
        if file.path.endswith("/patches/kubeletconfiguration+merge.yaml")
    )
    assert yaml.safe_load(patch.content)["maxPods"] == 64
    assert yaml.safe_load(worker_join(settings.workers[0], "eu-central-1"))["patches"]["directory"] == str(
        PurePath(patch.path).parent
    )
    assert patch.needed_at_boot


def test_workers_and_control_plane_may_do_what_they_need_with_the_credentials() -> None:
    dev = recorded("dev")

    def actions(name: str) -> set[str]:
        policy = dev.named("aws:iam/rolePolicy:RolePolicy", name).inputs["policy"]
        return {statement["Action"] for statement in json.loads(policy)["Statement"]}

    assert actions("dev-workers-policy") == {"ssm:GetParameter"}
    assert actions("dev-control-plane-0-policy") == {
        "ssm:GetParameter",
        "ssm:PutParameter",
        "autoscaling:DescribeAutoScalingGroups",
        "autoscaling:CompleteLifecycleAction",
    }


def test_a_spot_pool_is_a_mixed_group_without_on_demand_machines() -> None:
    (group,) = varied("dev", "workers__0__spot", True).of_type(GROUP)
    assert "launchTemplate" not in group.inputs
    distribution = group.inputs["mixedInstancesPolicy"]["instancesDistribution"]
    assert distribution["onDemandPercentageAboveBaseCapacity"] == 0


def test_no_fixed_address_is_given_to_workers() -> None:
    dev = recorded("dev")
    reserved = dev.of_type("aws:ec2/subnetCidrReservation:SubnetCidrReservation")
    assert [r.inputs["cidrBlock"] for r in reserved] == ["10.21.0.16/28", "10.21.16.16/28"]
    (group,) = dev.of_type(GROUP)
    assert all(waits_for(dev, group, r.key) for r in reserved)
