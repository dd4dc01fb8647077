"""Load balancers of the account as the region needs them: typed and frozen."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class HealthCheck:
    """Seconds; `port` None is the target's own; `codes` as haproxy and AWS write them: 200, 200-399, 200,204."""

    protocol: str
    port: int | None
    path: str
    codes: str
    interval: int
    timeout: int
    healthy_threshold: int
    unhealthy_threshold: int


@dataclass(frozen=True)
class TargetView:
    """Times in seconds since the epoch. `draining_since` is when it was deregistered; None while it is registered."""

    address: str
    port: int
    zone: str
    draining_since: float | None = None
    registered_at: float = 0.0


@dataclass(frozen=True)
class TargetGroupView:
    """`cross_zone` None is as the load balancer has it.

    Connections to an unhealthy target end `unhealthy_draining` seconds after it became so: 0 is at once, and None is
    never.
    """

    arn: str
    cross_zone: bool | None
    check: HealthCheck
    ends_connections_of_deregistered: bool
    unhealthy_draining: int | None
    targets: tuple[TargetView, ...]

    @property
    def id(self) -> str:
        """The last part of the ARN: sixteen hexadecimal digits."""
        return self.arn.rpartition("/")[2]


@dataclass(frozen=True)
class ListenerView:
    """`idle_timeout` in seconds; `target_group` is an ARN."""

    port: int
    idle_timeout: int
    target_group: str


@dataclass(frozen=True)
class NodeView:
    """A load balancer in one zone: its network interface."""

    zone: str
    address: str
    public_address: str | None = None
    subnet_id: str = ""


@dataclass(frozen=True)
class BalancerView:
    arn: str
    dns_name: str
    vpc_id: str
    internal: bool
    cross_zone: bool
    security_group_ids: tuple[str, ...]
    nodes: tuple[NodeView, ...]
    listeners: tuple[ListenerView, ...]

    @property
    def id(self) -> str:
        """The last part of the ARN: sixteen hexadecimal digits."""
        return self.arn.rpartition("/")[2]


@dataclass(frozen=True)
class TargetHealth:
    """As DescribeTargetHealth has it; no reason where the target is healthy."""

    state: str
    reason: str | None = None
    description: str | None = None
