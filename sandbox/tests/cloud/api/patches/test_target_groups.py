"""Target groups, their attributes, and the health of targets."""

from __future__ import annotations

import time
from typing import Any

import pytest

from sandbox.cloud.balancer.view import TargetHealth
from sandbox.tests.cloud.api.account import Account, refused
from sandbox.tests.cloud.api.balancers import balancer, listener, targets


def states(account: Account, group: str) -> dict[str, tuple[str, str | None]]:
    told = account.client("elbv2").describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    return {t["Target"]["Id"]: (t["TargetHealth"]["State"], t["TargetHealth"].get("Reason")) for t in told}


def attributes(found: dict[str, Any]) -> dict[str, str]:
    return {item["Key"]: item["Value"] for item in found["Attributes"]}


@pytest.mark.fixes("target_groups")
def test_a_target_group_is_behind_one_load_balancer_and_knows_it_while_it_is(
    account: Account, vpc: str, subnet: str, elb: Any
) -> None:
    arn, group = balancer(account, subnet)["LoadBalancerArn"], targets(account, vpc)
    made = listener(account, arn, group)

    def users() -> list[str]:
        found: list[str] = elb.describe_target_groups(TargetGroupArns=[group])["TargetGroups"][0].get(
            "LoadBalancerArns", []
        )
        return found

    assert users() == [arn]
    with refused("TargetGroupAssociationLimit"):
        listener(account, balancer(account, subnet, name="b")["LoadBalancerArn"], group)
    elb.delete_listener(ListenerArn=made)
    assert users() == []


@pytest.mark.fixes("target_groups")
def test_a_target_group_has_a_network_load_balancers_attributes(account: Account, vpc: str, elb: Any) -> None:
    group = targets(account, vpc)
    told = attributes(elb.describe_target_group_attributes(TargetGroupArn=group))
    assert told["preserve_client_ip.enabled"] == "false"
    assert told["target_health_state.unhealthy.connection_termination.enabled"] == "true"
    assert "slow_start.duration_seconds" not in told


TERMINATION = "target_health_state.unhealthy.connection_termination.enabled"
DRAINING = "target_health_state.unhealthy.draining_interval_seconds"


@pytest.mark.fixes("target_groups")
@pytest.mark.parametrize(
    "wanted",
    [
        {DRAINING: "300"},
        {TERMINATION: "true", DRAINING: "300"},
        {TERMINATION: "false", DRAINING: "360001"},
        {TERMINATION: "false", DRAINING: "-1"},
        {TERMINATION: "no"},
        {"deregistration_delay.connection_termination.enabled": "yes"},
        {"load_balancing.cross_zone.enabled": "on"},
    ],
)
def test_values_that_attributes_cannot_have_are_refused_and_nothing_changes(
    account: Account, vpc: str, elb: Any, wanted: dict[str, str]
) -> None:
    group = targets(account, vpc)
    before = attributes(elb.describe_target_group_attributes(TargetGroupArn=group))
    with refused("ValidationError"):
        told = [{"Key": key, "Value": value} for key, value in wanted.items()]
        elb.modify_target_group_attributes(TargetGroupArn=group, Attributes=told)
    assert attributes(elb.describe_target_group_attributes(TargetGroupArn=group)) == before


@pytest.mark.fixes("target_health")
def test_the_region_learns_when_a_target_was_registered_for_the_first_time_since_it_left(
    account: Account, vpc: str, subnet: str, elb: Any
) -> None:
    group, wanted = targets(account, vpc), [{"Id": "10.50.1.10"}]

    def registered_at() -> float:
        (target,) = account.api.view().target_groups[0].targets
        return target.registered_at

    before = time.time()
    elb.register_targets(TargetGroupArn=group, Targets=wanted)
    first = registered_at()
    assert before <= first <= time.time()
    elb.register_targets(TargetGroupArn=group, Targets=wanted)
    assert registered_at() == first
    elb.deregister_targets(TargetGroupArn=group, Targets=wanted)
    elb.register_targets(TargetGroupArn=group, Targets=wanted)
    assert registered_at() > first


@pytest.mark.fixes("target_groups")
@pytest.mark.parametrize(
    "options",
    [
        {"HealthCheckPort": "https"},
        {"HealthCheckPort": "65536"},
    ],
)
def test_a_health_check_that_aws_does_not_have_is_refused(account: Account, vpc: str, options: dict[str, Any]) -> None:
    with refused("ValidationError"):
        targets(account, vpc, **options)


@pytest.mark.fixes("target_groups")
def test_a_health_check_changes_whole_or_not_at_all(account: Account, vpc: str, elb: Any) -> None:
    group = targets(account, vpc)
    elb.modify_target_group(TargetGroupArn=group, HealthCheckPath="/livez", Matcher={"HttpCode": "200-299"})
    with refused("ValidationError"):
        elb.modify_target_group(TargetGroupArn=group, HealthCheckPath="/no", HealthCheckTimeoutSeconds=60)
    (told,) = elb.describe_target_groups(TargetGroupArns=[group])["TargetGroups"]
    assert (told["HealthCheckPath"], told["Matcher"]) == ("/livez", {"HttpCode": "200-299"})


@pytest.mark.fixes("target_health")
def test_a_targets_health_is_what_is_reported(account: Account, vpc: str, subnet: str, elb: Any) -> None:
    group = targets(account, vpc)
    elb.register_targets(TargetGroupArn=group, Targets=[{"Id": "10.50.1.10"}])
    assert states(account, group) == {"10.50.1.10": ("unused", "Target.NotInUse")}
    listener(account, balancer(account, subnet)["LoadBalancerArn"], group)
    assert states(account, group) == {"10.50.1.10": ("initial", "Elb.RegistrationInProgress")}
    account.api.report_target_health({(group, "10.50.1.10"): TargetHealth("unhealthy", "Target.Timeout", "…")})
    assert states(account, group) == {"10.50.1.10": ("unhealthy", "Target.Timeout")}
    account.api.report_target_health({})


@pytest.mark.fixes("target_health")
def test_a_target_that_leaves_is_draining_for_the_delay(account: Account, vpc: str, subnet: str, elb: Any) -> None:
    group = targets(account, vpc)
    listener(account, balancer(account, subnet)["LoadBalancerArn"], group)
    wanted = [{"Key": "deregistration_delay.timeout_seconds", "Value": "1"}]
    elb.modify_target_group_attributes(TargetGroupArn=group, Attributes=wanted)
    elb.register_targets(TargetGroupArn=group, Targets=[{"Id": "10.50.1.10"}])
    elb.deregister_targets(TargetGroupArn=group, Targets=[{"Id": "10.50.1.10"}])
    assert states(account, group) == {"10.50.1.10": ("draining", "Target.DeregistrationInProgress")}
    deadline = time.monotonic() + 10
    while account.api.view().target_groups[0].targets:
        assert time.monotonic() < deadline, "the delay does not end without a request"
        time.sleep(0.1)
    assert states(account, group) == {}


@pytest.mark.fixes("target_health")
def test_targets_are_addresses_of_the_network(account: Account, vpc: str, elb: Any) -> None:
    group = targets(account, vpc)
    with refused("InvalidTarget"):
        elb.register_targets(TargetGroupArn=group, Targets=[{"Id": "10.99.0.1"}])
    with refused("ValidationError"):
        elb.register_targets(TargetGroupArn=group, Targets=[{"Id": "node-1"}])


@pytest.mark.fixes("load_balancer_limits")
@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"Protocol": "UDP"}, "Protocol (UDP)"),
        ({"TargetType": "instance"}, "TargetType (instance)"),
        ({"HealthCheckEnabled": False}, "HealthCheckEnabled"),
    ],
)
def test_what_target_groups_do_not_model_is_refused_by_name(
    account: Account, vpc: str, options: dict[str, Any], named: str
) -> None:
    with refused("SandboxNotModelled") as refusal:
        targets(account, vpc, **options)
    assert named in refusal.message


@pytest.mark.fixes("load_balancer_limits")
@pytest.mark.parametrize("key", ["preserve_client_ip.enabled", "proxy_protocol_v2.enabled", "stickiness.enabled"])
def test_attributes_that_are_not_honoured_are_refused_by_name(account: Account, vpc: str, elb: Any, key: str) -> None:
    group = targets(account, vpc)
    with refused("SandboxNotModelled") as refusal:
        elb.modify_target_group_attributes(TargetGroupArn=group, Attributes=[{"Key": key, "Value": "true"}])
    assert f"{key} (true)" in refusal.message
