"""Load balancers as the account would show them, with checks that a busy host can answer in time."""

from __future__ import annotations

from dataclasses import replace

from sandbox.cloud.balancer.view import (
    BalancerView,
    HealthCheck,
    ListenerView,
    NodeView,
    TargetGroupView,
    TargetView,
)

GROUP = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/probe-internal/0011223344556677"
# A check has its interval for the connection and the handshake: on a busy host a second is too little.
CHECK = HealthCheck("HTTPS", 6443, "/readyz", "200", 4, 10, 2, 2)
FIRST, SECOND = "10.20.0.10", "10.20.1.10"
NODE, SECOND_NODE = "10.20.0.4", "10.20.1.4"
TARGETS = (TargetView(FIRST, 6443, "eu-central-1a"), TargetView(SECOND, 6443, "eu-central-1b"))
TARGET_GROUP = TargetGroupView(GROUP, None, CHECK, True, 0, TARGETS)
BALANCER = BalancerView(
    arn="arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/net/probe-internal/8899aabbccddeeff",
    dns_name="probe-internal-8899aabbccddeeff.elb.eu-central-1.amazonaws.com",
    vpc_id="vpc-1",
    internal=True,
    cross_zone=True,
    security_group_ids=("sg-lb",),
    nodes=(NodeView("eu-central-1a", NODE), NodeView("eu-central-1b", SECOND_NODE)),
    listeners=(ListenerView(6443, 350, GROUP),),
)


def draining(address: str, group: TargetGroupView = TARGET_GROUP) -> TargetGroupView:
    """The group after one of its targets was deregistered."""
    targets = tuple(replace(t, draining_since=0.0) if t.address == address else t for t in group.targets)
    return replace(group, targets=targets)


def without(address: str, group: TargetGroupView = TARGET_GROUP) -> TargetGroupView:
    """The group after the delay of a deregistered target is over."""
    return replace(group, targets=tuple(target for target in group.targets if target.address != address))
