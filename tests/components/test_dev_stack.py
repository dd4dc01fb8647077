"""What `dev` declares: one control plane, and workers that join by themselves."""

from __future__ import annotations

import json

from tests.components.recording import Secret
from tests.components.stacks import COMMAND, GROUP, INSTANCE, recorded, varied, waits_for


def test_dev_has_workers_that_join_by_themselves() -> None:
    dev = recorded("dev")
    (group,) = dev.of_type(GROUP)
    assert (group.inputs["minSize"], group.inputs["maxSize"]) == (2, 4)
    assert "desiredCapacity" not in group.inputs, "it is the autoscaler's to say"
    assert group.inputs["launchTemplate"]["version"] == "3", "$Latest starts no refresh"
    assert len(group.inputs["vpcZoneIdentifiers"]) == 2
    assert len(dev.of_type(INSTANCE)) == 1
    assert dev.named(COMMAND, "dev-ready").inputs["create"].endswith("wait-ready.sh control-plane-0 general:2")


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
