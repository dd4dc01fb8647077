"""The account as the region needs it: typed and frozen."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.cloud.balancer.view import BalancerView, TargetGroupView


@dataclass(frozen=True)
class AttachmentView:
    """A volume on an instance; the root volume is the machine's own disk."""

    volume_id: str
    device: str
    is_root: bool


@dataclass(frozen=True)
class InstanceView:
    """`state` as EC2 names it; `user_data` decoded; `launched_at` ISO 8601; `public_ip` an Elastic or automatic one."""

    id: str
    state: str
    private_ip: str
    private_dns_name: str
    mac: str
    subnet_id: str
    vpc_id: str
    zone: str
    image_id: str
    instance_type: str
    key_name: str | None
    public_key: str | None
    user_data: bytes
    public_ip: str | None
    security_group_ids: tuple[str, ...]
    source_dest_check: bool
    role_name: str | None
    instance_profile_arn: str | None
    http_tokens: str
    http_put_response_hop_limit: int
    tags: dict[str, str]
    launched_at: str
    attachments: tuple[AttachmentView, ...]
    lifecycle: str = "on-demand"
    impaired: bool = False
    """Its hardware has failed: it must not run until it is healed."""
    target_lifecycle_state: str | None = None
    """What an Auto Scaling group wants of it, `InService` or `Terminated`; None outside of groups."""


@dataclass(frozen=True)
class VolumeView:
    id: str
    size_gib: int
    is_root: bool


@dataclass(frozen=True)
class SecurityGroupRuleView:
    protocol: str
    from_port: int | None
    to_port: int | None
    cidrs: tuple[str, ...]
    source_group_ids: tuple[str, ...]


@dataclass(frozen=True)
class SecurityGroupView:
    id: str
    vpc_id: str
    ingress: tuple[SecurityGroupRuleView, ...]
    egress: tuple[SecurityGroupRuleView, ...]


@dataclass(frozen=True)
class SubnetView:
    id: str
    vpc_id: str
    cidr: str


@dataclass(frozen=True)
class VpcView:
    id: str
    cidr: str


@dataclass(frozen=True)
class RouteView:
    """`target_kind` is igw, nat, storage (an S3 gateway endpoint) or other."""

    destination: str
    target_kind: str
    target_id: str = ""


@dataclass(frozen=True)
class RouteTableView:
    id: str
    vpc_id: str
    main: bool
    subnet_ids: tuple[str, ...]
    routes: tuple[RouteView, ...]


@dataclass(frozen=True)
class NatGatewayView:
    """One that is there and works; `public_ip` is its Elastic IP."""

    id: str
    subnet_id: str
    public_ip: str


@dataclass(frozen=True)
class RecordView:
    name: str
    type: str
    ttl: int
    values: tuple[str, ...]
    alias: str = ""
    """The load balancer's name that it leads to, if it is an alias; then it has no values."""


@dataclass(frozen=True)
class ZoneView:
    name: str
    private: bool
    vpc_ids: tuple[str, ...]
    records: tuple[RecordView, ...]


@dataclass(frozen=True)
class CloudView:
    instances: tuple[InstanceView, ...]
    volumes: tuple[VolumeView, ...]
    security_groups: tuple[SecurityGroupView, ...]
    subnets: tuple[SubnetView, ...]
    vpcs: tuple[VpcView, ...]
    route_tables: tuple[RouteTableView, ...]
    zones: tuple[ZoneView, ...]
    nat_gateways: tuple[NatGatewayView, ...] = ()
    balancers: tuple[BalancerView, ...] = ()
    target_groups: tuple[TargetGroupView, ...] = ()
