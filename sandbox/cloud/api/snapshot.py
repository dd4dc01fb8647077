"""Takes a view of the account from moto's backends, in one go."""

from __future__ import annotations

import base64
from typing import Any

from moto.autoscaling.models import autoscaling_backends
from moto.ec2.models import ec2_backends
from moto.iam.models import iam_backends
from moto.route53.models import route53_backends

from sandbox.cloud.api.view import (
    AttachmentView,
    CloudView,
    InstanceView,
    NatGatewayView,
    RecordView,
    RouteTableView,
    RouteView,
    SecurityGroupRuleView,
    SecurityGroupView,
    SubnetView,
    VolumeView,
    VpcView,
    ZoneView,
)
from sandbox.cloud.balancer.snapshot import balancers_of, target_groups_of


def snapshot(account: str, region: str) -> CloudView:
    """One region of the account, and its hosted zones."""
    ec2 = ec2_backends[account][region]
    instances = [instance for reservation in list(ec2.reservations.values()) for instance in reservation.instances]
    return CloudView(
        instances=tuple(_instance(ec2, account, i) for i in instances if i.state != "terminated" and i.nics),
        volumes=tuple(
            VolumeView(volume.id, int(volume.size), bool(volume.attachment and _is_root(volume.attachment)))
            for volume in list(ec2.volumes.values())
        ),
        security_groups=tuple(
            SecurityGroupView(
                group.id,
                group.vpc_id or "",
                tuple(_rule(rule) for rule in group.ingress_rules),
                tuple(_rule(rule) for rule in group.egress_rules),
            )
            for groups in list(ec2.groups.values())
            for group in list(groups.values())
        ),
        subnets=tuple(
            SubnetView(subnet.id, subnet.vpc_id, subnet.cidr_block)
            for zone in list(ec2.subnets.values())
            for subnet in list(zone.values())
        ),
        vpcs=tuple(VpcView(vpc.id, vpc.cidr_block) for vpc in list(ec2.vpcs.values())),
        route_tables=tuple(
            RouteTableView(
                table.id,
                table.vpc_id,
                table.main_association_id is not None,
                tuple(table._associations.values()),
                tuple(_route(route) for route in table.routes),
            )
            for table in list(ec2.route_tables.values())
        ),
        zones=tuple(
            ZoneView(
                zone.name,
                zone.private_zone,
                tuple(vpc["vpc_id"] for vpc in zone.vpcs),
                tuple(_record(record) for record in list(zone.rrsets)),
            )
            for zone in list(route53_backends[account]["aws"].zones.values())
        ),
        nat_gateways=tuple(
            NatGatewayView(gateway.id, gateway.subnet_id, gateway._eni.public_ip)
            for gateway in list(ec2.nat_gateways.values())
            if gateway.state == "available" and gateway._eni.public_ip
        ),
        balancers=balancers_of(account, region),
        target_groups=target_groups_of(account, region),
    )


def _instance(ec2: Any, account: str, instance: Any) -> InstanceView:
    primary = instance.nics[0]
    profile = instance.iam_instance_profile
    association = ec2.iam_instance_profile_associations.get(instance.id)
    if association is not None:
        profile = association.iam_instance_profile
    arn = profile if isinstance(profile, str) else getattr(profile, "arn", None) or (profile or {}).get("Arn")
    key = ec2.key_pairs.get(instance.key_name) if instance.key_name else None
    options = instance.metadata_options
    return InstanceView(
        id=instance.id,
        state=instance.state,
        private_ip=primary.private_ip_address,
        private_dns_name=instance.private_dns_name,
        mac=primary.mac_address,
        subnet_id=primary.subnet.id,
        vpc_id=primary.subnet.vpc_id,
        zone=primary.subnet.availability_zone,
        image_id=instance.image_id,
        instance_type=instance.instance_type,
        key_name=instance.key_name,
        public_key=_text(key.material_public) if key else None,
        user_data=_user_data(instance.user_data),
        public_ip=primary.public_ip,
        security_group_ids=tuple(dict.fromkeys(group.id for group in primary._group_set)),
        source_dest_check=bool(primary.source_dest_check and instance.source_dest_check),
        role_name=_role_of(account, arn),
        instance_profile_arn=arn,
        http_tokens=options.http_tokens,
        http_put_response_hop_limit=options.http_put_response_hop_limit,
        tags={tag["key"]: tag["value"] for tag in instance.get_tags()},
        launched_at=instance.launch_time.strftime("%Y-%m-%dT%H:%M:%SZ"),
        attachments=tuple(
            AttachmentView(block.volume_id, device, device == instance.root_device_name)
            for device, block in instance.get_block_device_mapping
        ),
        lifecycle=instance.lifecycle or "on-demand",
        impaired=bool(getattr(instance, "impaired", False)),
        target_lifecycle_state=_wanted_by_group(account, ec2.region_name, instance),
    )


def _wanted_by_group(account: str, region: str, instance: Any) -> str | None:
    """What the instance's Auto Scaling group wants of it."""
    for group in list(autoscaling_backends[account][region].autoscaling_groups.values()):
        for state in group.instance_states:
            if state.instance is instance:
                return "Terminated" if state.lifecycle_state.startswith("Terminating") else "InService"
    return None


def _is_root(attachment: Any) -> bool:
    return bool(attachment.device == attachment.instance.root_device_name)


def _role_of(account: str, profile_arn: str | None) -> str | None:
    if not profile_arn:
        return None
    for profile in list(iam_backends[account]["aws"].instance_profiles.values()):
        if profile.arn == profile_arn and profile.roles:
            return str(profile.roles[0].name)
    return None


def _user_data(value: Any) -> bytes:
    if not value:
        return b""
    return base64.b64decode(str(value))


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _rule(rule: Any) -> SecurityGroupRuleView:
    cidr = rule.ip_range.get("CidrIp") if rule.ip_range else None
    group = rule.source_group.get("GroupId") if rule.source_group else None
    return SecurityGroupRuleView(
        rule.ip_protocol, rule.from_port, rule.to_port, (cidr,) if cidr else (), (group,) if group else ()
    )


def _route(route: Any) -> RouteView:
    gateway = route.gateway_id or ""
    if gateway.startswith("vpce-"):
        return RouteView(route.destination_prefix_list.id, "storage", gateway)
    kind = "igw" if gateway.startswith("igw-") else "nat" if route.nat_gateway else "other"
    target = route.nat_gateway.id if kind == "nat" else gateway
    return RouteView(route.destination_cidr_block or "", kind, target)


def _record(record: Any) -> RecordView:
    values = [value["Value"] if isinstance(value, dict) else str(value) for value in record.records or []]
    alias = str((record.alias_target or {}).get("DNSName", "")).rstrip(".").lower().removeprefix("dualstack.")
    return RecordView(record.name, record.type, int(record.ttl or 60), tuple(values), alias)
