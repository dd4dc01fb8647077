"""What the account says, turned into what the region must do (pure): firewall ports, identities, names."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping

from sandbox.cloud.addresses import INTERNET_ADDRESS
from sandbox.cloud.api.view import CloudView, InstanceView, RouteTableView, SecurityGroupRuleView
from sandbox.cloud.firewall import Port, Rule
from sandbox.cloud.metadata import Identity, Tree
from sandbox.cloud.wiring import MachineLink, link_name

PRESENT_STATES = ("pending", "running", "stopping", "stopped")
"""States in which an instance owns its address and its disks."""
BOOTED_STATES = ("pending", "running")


def link_of(view: CloudView, instance: InstanceView) -> MachineLink:
    subnet = next(subnet for subnet in view.subnets if subnet.id == instance.subnet_id)
    return MachineLink(instance.id, instance.private_ip, subnet.cidr, instance.mac)


def ports_of(view: CloudView) -> list[Port]:
    """The firewall's ports, one for each instance that is booted."""
    booted = [instance for instance in view.instances if instance.state in BOOTED_STATES]
    members: dict[str, list[str]] = {}
    for instance in booted:
        for group in instance.security_group_ids:
            members.setdefault(group, []).append(instance.private_ip)
    groups = {group.id: group for group in view.security_groups}
    return [
        Port(
            interface=link_name(instance.id),
            address=instance.private_ip,
            public_address=instance.public_ip,
            reaches_internet=reaches_internet(view, instance),
            source_check=instance.source_dest_check,
            ingress=tuple(
                _rule(rule, members) for group in instance.security_group_ids for rule in groups[group].ingress
            ),
            egress=tuple(
                _rule(rule, members) for group in instance.security_group_ids for rule in groups[group].egress
            ),
        )
        for instance in booted
    ]


def reaches_internet(view: CloudView, instance: InstanceView) -> bool:
    """Whether the instance's subnet has a default route that works for it: a gateway needs a public address."""
    table = _route_table_of(view, instance)
    kinds = {route.target_kind for route in table.routes if route.destination == "0.0.0.0/0"} if table else set()
    return "nat" in kinds or ("igw" in kinds and instance.public_ip is not None)


def resolver_addresses(view: CloudView) -> list[str]:
    """The resolver address of each VPC that has an instance: its network address plus two."""
    used = {instance.vpc_id for instance in view.instances}
    return [str(ipaddress.ip_network(vpc.cidr)[2]) for vpc in view.vpcs if vpc.id in used]


def hostname_of(instance: InstanceView) -> str:
    return instance.private_dns_name.partition(".")[0]


def identity_of(view: CloudView, source: str, account: str, region: str) -> Identity | None:
    """The instance behind a source address, as the metadata service shows it."""
    instance = next((i for i in view.instances if i.private_ip == source and i.state in PRESENT_STATES), None)
    if instance is None:
        return None
    return Identity(
        instance_id=instance.id,
        metadata=_metadata(view, instance, region),
        user_data=instance.user_data,
        document={
            "accountId": account,
            "architecture": "x86_64",
            "availabilityZone": instance.zone,
            "imageId": instance.image_id,
            "instanceId": instance.id,
            "instanceType": instance.instance_type,
            "pendingTime": instance.launched_at,
            "privateIp": instance.private_ip,
            "region": region,
            "version": "2017-09-30",
        },
        token_required=instance.http_tokens == "required",
        hop_limit=instance.http_put_response_hop_limit,
        role=instance.role_name,
    )


def _metadata(view: CloudView, instance: InstanceView, region: str) -> Tree:
    subnet = next(subnet for subnet in view.subnets if subnet.id == instance.subnet_id)
    vpc = next(vpc for vpc in view.vpcs if vpc.id == instance.vpc_id)
    interface: dict[str, str | Tree] = {
        "device-number": "0",
        "local-ipv4s": instance.private_ip,
        "mac": instance.mac,
        "subnet-id": instance.subnet_id,
        "subnet-ipv4-cidr-block": subnet.cidr,
        "vpc-id": instance.vpc_id,
        "vpc-ipv4-cidr-block": vpc.cidr,
        "security-group-ids": "\n".join(instance.security_group_ids),
    }
    tree: dict[str, str | Tree] = {
        "ami-id": instance.image_id,
        "ami-launch-index": "0",
        "hostname": instance.private_dns_name,
        "instance-action": "none",
        "instance-id": instance.id,
        "instance-life-cycle": "on-demand",
        "instance-type": instance.instance_type,
        "local-hostname": instance.private_dns_name,
        "local-ipv4": instance.private_ip,
        "mac": instance.mac,
        "network": {"interfaces": {"macs": {instance.mac: interface}}},
        "placement": {"availability-zone": instance.zone, "region": region},
        "services": {"domain": "amazonaws.com", "partition": "aws"},
    }
    if instance.public_ip:
        tree["public-ipv4"] = instance.public_ip
        interface["public-ipv4s"] = instance.public_ip
    if instance.public_key:
        tree["public-keys"] = {f"0={instance.key_name}": {"openssh-key": instance.public_key}}
    if instance.instance_profile_arn:
        tree["iam"] = {"info": f'{{"Code": "Success", "InstanceProfileArn": "{instance.instance_profile_arn}"}}'}
    return tree


def names_of(
    view: CloudView, source: str, name: str, internet_names: Iterable[str]
) -> list[tuple[str, int, str]] | None:
    """The records that a machine at `source` gets for `name`; None where no such name exists for it."""
    asking = next((instance for instance in view.instances if instance.private_ip == source), None)
    if asking is None:
        return None
    for zone in sorted(view.zones, key=lambda zone: -len(zone.name)):
        suffix = zone.name.rstrip(".")
        if zone.private and asking.vpc_id in zone.vpc_ids and (name == suffix or name.endswith("." + suffix)):
            found = [record for record in zone.records if record.name.rstrip(".") == name]
            return [(r.type, r.ttl, value) for r in found for value in r.values] if found else None
    for instance in view.instances:
        if instance.vpc_id == asking.vpc_id and instance.private_dns_name == name and instance.state in PRESENT_STATES:
            return [("A", 60, instance.private_ip)]
    if name.endswith((".amazonaws.com", ".api.aws")) or name in internet_names:
        return [("A", 60, INTERNET_ADDRESS)]
    return None


def _route_table_of(view: CloudView, instance: InstanceView) -> RouteTableView | None:
    in_vpc = [table for table in view.route_tables if table.vpc_id == instance.vpc_id]
    explicit = [table for table in in_vpc if instance.subnet_id in table.subnet_ids]
    return next(iter(explicit or [table for table in in_vpc if table.main]), None)


def _rule(rule: SecurityGroupRuleView, members: Mapping[str, list[str]]) -> Rule:
    peers = (*rule.cidrs, *(address for group in rule.source_group_ids for address in members.get(group, ())))
    return Rule(rule.protocol, rule.from_port, rule.to_port, peers)
