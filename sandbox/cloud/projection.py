"""What the account says, turned into what the region must do (pure): firewall ports, identities, names."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterable, Mapping

from sandbox.cloud.addresses import INTERNET_ADDRESS, STORAGE_ADDRESS
from sandbox.cloud.api.view import CloudView, InstanceView, RouteView, SecurityGroupRuleView, ZoneView
from sandbox.cloud.balancer.names import addresses_of, is_balancers_name
from sandbox.cloud.faults import Cut
from sandbox.cloud.firewall import Node, Port, Rule
from sandbox.cloud.metadata import Identity, Tree
from sandbox.cloud.resolver import Authority
from sandbox.cloud.wiring import MachineLink, link_name

PRESENT_STATES = ("pending", "running", "stopping", "stopped")
"""States in which an instance owns its address and its disks."""
BOOTED_STATES = ("pending", "running")
_EVERYTHING = Rule("-1", None, None, ("0.0.0.0/0",))
"""For a load balancer without security groups."""


def link_of(view: CloudView, instance: InstanceView) -> MachineLink:
    subnet = next(subnet for subnet in view.subnets if subnet.id == instance.subnet_id)
    return MachineLink(instance.id, instance.private_ip, subnet.cidr, instance.mac)


def ports_of(view: CloudView) -> list[Port]:
    """The firewall's ports, one for each instance that is booted."""
    booted = [instance for instance in view.instances if instance.state in BOOTED_STATES]
    members, groups = _members(view), {group.id: group for group in view.security_groups}
    return [
        Port(
            interface=link_name(instance.id),
            address=instance.private_ip,
            public_address=instance.public_ip,
            seen_as=seen_as(view, instance),
            reaches_storage=any(route.target_kind == "storage" for route in routes_of(view, instance.subnet_id)),
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


def nodes_of(view: CloudView) -> list[Node]:
    """The firewall's nodes, one for each address of a load balancer."""
    members, groups = _members(view), {group.id: group for group in view.security_groups}
    return [
        Node(
            name=f"{balancer.id}-{number}",
            address=node.address,
            public_address=node.public_address if _faces_internet(view, node.subnet_id) else None,
            ingress=tuple(_rule(r, members) for g in balancer.security_group_ids for r in groups[g].ingress)
            if balancer.security_group_ids
            else (_EVERYTHING,),
            egress=tuple(_rule(r, members) for g in balancer.security_group_ids for r in groups[g].egress)
            if balancer.security_group_ids
            else (_EVERYTHING,),
        )
        for balancer in view.balancers
        for number, node in enumerate(balancer.nodes)
    ]


def _faces_internet(view: CloudView, subnet_id: str) -> bool:
    return any(r.target_kind == "igw" and r.destination == "0.0.0.0/0" for r in routes_of(view, subnet_id))


def seen_as(view: CloudView, instance: InstanceView) -> str | None:
    """The address under which the internet sees the instance; None where its subnet's routes lead nowhere for it.

    An internet gateway needs a public address. A NAT gateway must itself stand in a subnet with an internet gateway.
    """
    targets = {r.target_kind: r.target_id for r in routes_of(view, instance.subnet_id) if r.destination == "0.0.0.0/0"}
    if "nat" in targets:
        gateway = next((nat for nat in view.nat_gateways if nat.id == targets["nat"]), None)
        if gateway is None or not any(route.target_kind == "igw" for route in routes_of(view, gateway.subnet_id)):
            return None
        return gateway.public_ip
    return instance.public_ip if "igw" in targets else None


def cuts_of(view: CloudView, zones: Iterable[str], machines: Iterable[str]) -> list[Cut]:
    """What is behind each cut, of zones by name and of machines by instance id.

    A machine that is off is cut too: where its network outlives it, it must not refuse what it can no longer hear.
    """
    present = [instance for instance in view.instances if instance.state in PRESENT_STATES]
    by_zone = [tuple(link_name(i.id) for i in present if i.zone == zone) for zone in sorted(zones)]
    nodes = [
        tuple(node.address for balancer in view.balancers for node in balancer.nodes if node.zone == zone)
        for zone in sorted(zones)
    ]
    silent = {*machines, *(i.id for i in present if i.impaired or i.state == "stopped")}
    by_machine = [(link_name(i.id),) for i in present if i.id in silent]
    return [Cut(*zone) for zone in zip(by_zone, nodes, strict=True)] + [Cut(interfaces) for interfaces in by_machine]


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
        "instance-life-cycle": instance.lifecycle,
        "instance-type": instance.instance_type,
        "local-hostname": instance.private_dns_name,
        "local-ipv4": instance.private_ip,
        "mac": instance.mac,
        "network": {"interfaces": {"macs": {instance.mac: interface}}},
        "placement": {"availability-zone": instance.zone, "region": region},
        "services": {"domain": "amazonaws.com", "partition": "aws"},
    }
    if instance.target_lifecycle_state:
        tree["autoscaling"] = {"target-lifecycle-state": instance.target_lifecycle_state}
    if instance.public_ip:
        tree["public-ipv4"] = instance.public_ip
        interface["public-ipv4s"] = instance.public_ip
    if instance.public_key:
        tree["public-keys"] = {f"0={instance.key_name}": {"openssh-key": instance.public_key}}
    if instance.instance_profile_arn:
        tree["iam"] = {"info": f'{{"Code": "Success", "InstanceProfileArn": "{instance.instance_profile_arn}"}}'}
    return tree


def names_of(
    view: CloudView, source: str, name: str, internet_names: Iterable[str], silent: Collection[str] = ()
) -> list[tuple[str, int, str]] | None:
    """The records that a machine at `source` gets for `name`; None where no such name exists for it.

    `silent` are the addresses of load balancers that do not answer.
    """
    asking = next((instance for instance in view.instances if instance.private_ip == source), None)
    if asking is None:
        return None
    if zone := _private_zone(view, asking.vpc_id, name):
        found = [record for record in zone.records if record.name.rstrip(".") == name]
        direct = [(r.type, r.ttl, value) for r in found for value in r.values]
        aliases = [addresses_of(view.balancers, r.alias, silent) or [] for r in found if r.alias]
        return [*direct, *(record for records in aliases for record in records)] if found else None
    for instance in view.instances:
        if instance.vpc_id == asking.vpc_id and instance.private_dns_name == name and instance.state in PRESENT_STATES:
            return [("A", 60, instance.private_ip)]
    if is_balancers_name(name):
        return addresses_of(view.balancers, name, silent)
    if _is_storage(name):
        return [("A", 60, STORAGE_ADDRESS)]
    if name.endswith((".amazonaws.com", ".api.aws")) or name in internet_names:
        return [("A", 60, INTERNET_ADDRESS)]
    return None


def who_answers(view: CloudView, source: str, name: str) -> tuple[str, Authority | None]:
    """The VPC of a machine at `source`, empty where there is none, and the SOA of the private zone that has `name`."""
    vpc = next((instance.vpc_id for instance in view.instances if instance.private_ip == source), "")
    zone = _private_zone(view, vpc, name)
    start = next((r for r in zone.records if r.type == "SOA"), None) if zone else None
    return vpc, Authority(zone.name, start.ttl, start.values[0]) if zone and start else None


def _private_zone(view: CloudView, vpc_id: str, name: str) -> ZoneView | None:
    """The nearest private zone of the VPC that a name is in."""
    for zone in sorted(view.zones, key=lambda zone: -len(zone.name)):
        suffix = zone.name.rstrip(".")
        if zone.private and vpc_id in zone.vpc_ids and (name == suffix or name.endswith("." + suffix)):
            return zone
    return None


def public_addresses_of(view: CloudView, name: str, silent: Collection[str] = ()) -> list[str] | None:
    """What the internet knows of a load balancer's name: nothing for an internal one; None where none has the name."""
    found = addresses_of(view.balancers, name, silent)
    if found is None:
        return None
    public = {node.public_address for balancer in view.balancers for node in balancer.nodes}
    return [address for _, _, address in found if address in public]


def _is_storage(name: str) -> bool:
    """Whether the name is one of S3's, with a bucket or without."""
    return name.endswith(".amazonaws.com") and "s3" in name.removesuffix(".amazonaws.com").split(".")


def routes_of(view: CloudView, subnet_id: str) -> tuple[RouteView, ...]:
    """The routes that hold in a subnet: those of its table, or of its VPC's main one."""
    vpc_id = next((subnet.vpc_id for subnet in view.subnets if subnet.id == subnet_id), None)
    in_vpc = [table for table in view.route_tables if table.vpc_id == vpc_id]
    explicit = [table for table in in_vpc if subnet_id in table.subnet_ids]
    table = next(iter(explicit or [table for table in in_vpc if table.main]), None)
    return table.routes if table else ()


def _members(view: CloudView) -> dict[str, list[str]]:
    """The addresses of each security group's members: machines that are booted, and load balancers."""
    members: dict[str, list[str]] = {}
    for instance in view.instances:
        for group in instance.security_group_ids if instance.state in BOOTED_STATES else ():
            members.setdefault(group, []).append(instance.private_ip)
    for balancer in view.balancers:
        for group in balancer.security_group_ids:
            members.setdefault(group, []).extend(node.address for node in balancer.nodes)
    return members


def _rule(rule: SecurityGroupRuleView, members: Mapping[str, list[str]]) -> Rule:
    peers = (*rule.cidrs, *(address for group in rule.source_group_ids for address in members.get(group, ())))
    return Rule(rule.protocol, rule.from_port, rule.to_port, peers)
