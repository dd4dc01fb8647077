"""What is asked of the account and the region, whether the stack is up or not: image, machine types, quotas, key."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from math import ceil
from typing import Any, Final

from components.machine_types import ARCHITECTURE, IMAGE_PARAMETER, ROOT_DEVICE, VIRTUALIZATION, lacking, wanted_types
from components.network.rule_limit import RULES_PER_GROUP
from components.plan import Plan
from components.settings.machines import REFRESH_PERCENT
from components.zones import zones_of
from operations.errors import NotAnswered
from operations.remote.aws import Ask
from operations.smoke.answers import Found, Outcome, Question, judged
from pricing.topology import topology

# The families that the quotas of "standard" instances count, for machines on demand and for Spot.
_STANDARD: Final = re.compile(r"(?!dl|hpc|inf|mac|trn)[acdhimrtz]")
_AWS_OWN_KEY: Final = "alias/aws/ebs"


@dataclass(frozen=True)
class Quota:
    """A quota of the account by AWS's codes, what the stack needs of it, and what others than the stack use."""

    service: str
    code: str
    needed: int
    others: int


def region_questions(ask: Ask, plan: Plan) -> Iterator[Question]:
    """In the order in which `pulumi up` would meet the answers."""
    yield Question("machine image", partial(_image, ask))
    yield Question("machine types in zones", partial(_types, ask, plan))
    for subject, quota in _QUOTAS.items():
        yield Question(f"quota of {subject}", partial(_room, ask, plan, quota))
    yield Question("rules per security group", partial(_rules, ask))
    yield Question("key of disks", partial(_key, ask))


def _image(ask: Ask) -> Found:
    try:
        name = str(ask("ssm", "get-parameter", "--name", IMAGE_PARAMETER)["Parameter"]["Value"])
    except NotAnswered as unanswered:
        if unanswered.code == "ParameterNotFound":
            return Outcome.DIFFERS, f"Debian publishes none as {IMAGE_PARAMETER} in this region"
        raise
    images = ask("ec2", "describe-images", "--image-ids", name)["Images"]
    if not images:
        return Outcome.DIFFERS, f"{IMAGE_PARAMETER} names {name}, which is not to be had"
    image = images[0]
    wanted = {
        "State": "available", "Architecture": ARCHITECTURE, "VirtualizationType": VIRTUALIZATION,
        "RootDeviceType": "ebs", "RootDeviceName": ROOT_DEVICE, "EnaSupport": True,
    }  # fmt: skip
    problems = [f"{key} is {image.get(key)}, not {value}" for key, value in wanted.items() if image.get(key) != value]
    return judged(problems, f"{name} of {image.get('CreationDate', 'an unknown day')[:10]}, root {ROOT_DEVICE}")


def _types(ask: Ask, plan: Plan) -> Found:
    wanted = wanted_types(plan)
    names = sorted({one.name for one in wanted})
    found = ask(
        "ec2", "describe-instance-type-offerings", "--location-type", "availability-zone",
        "--filters", f"Name=instance-type,Values={','.join(names)}",
    )["InstanceTypeOfferings"]  # fmt: skip
    offered = {name: frozenset(o["Location"] for o in found if o["InstanceType"] == name) for name in names}
    own = _own(ask("ec2", "describe-subnets", *_of_cluster(plan))["Subnets"], plan)
    zones = tuple(sorted({subnet["AvailabilityZone"] for subnet in own}))
    if not zones:
        listed = ask(
            "ec2", "describe-availability-zones",
            "--filters", "Name=state,Values=available", "Name=opt-in-status,Values=opt-in-not-required",
        )["AvailabilityZones"]  # fmt: skip
        names_of_zones = sorted(zone["ZoneName"] for zone in listed)
        network = plan.settings.network
        if len(names_of_zones) < network.zones:
            return Outcome.DIFFERS, f"the region has {len(names_of_zones)} zones, and the stack wants {network.zones}"
        zones = zones_of(network, {}, names_of_zones, lambda zone: lacking(wanted, offered, zone))
    missing = [
        f"{one.key_path}: no {one.name} in {zone}"
        for one in wanted
        for zone in zones
        if zone not in offered[one.name] and (one.everywhere or not offered[one.name] & set(zones))
    ]
    return judged(missing, f"{', '.join(names)} in {', '.join(zones)}")


def _cpus(ask: Ask, plan: Plan, spot: bool) -> Quota:
    shape = topology(plan.settings)
    machines = Counter[str]() if spot else Counter(machine.instance_type for machine in shape.machines)
    for pool in shape.pools:
        if pool.spot is spot:
            # While a pool is replaced, new machines are there before old ones go.
            machines[pool.instance_type] += ceil(pool.maximum * REFRESH_PERCENT / 100)
    types = sorted(name for name in machines if _STANDARD.match(name))
    described = ask("ec2", "describe-instance-types", "--instance-types", *types)["InstanceTypes"] if types else []
    each = {one["InstanceType"]: one["VCpuInfo"]["DefaultVCpus"] for one in described}
    states = "Name=instance-state-name,Values=pending,running"
    reservations = ask("ec2", "describe-instances", "--filters", states)["Reservations"]
    others = [one for reservation in reservations for one in reservation["Instances"] if not _own([one], plan)]
    used = sum(
        one["CpuOptions"]["CoreCount"] * one["CpuOptions"]["ThreadsPerCore"]
        for one in others
        if _STANDARD.match(one["InstanceType"]) and (one.get("InstanceLifecycle") == "spot") is spot
    )
    needed = sum(machines[name] * each[name] for name in types)
    return Quota("ec2", "L-34B43A08" if spot else "L-1216C47A", needed, used)


def _addresses(ask: Ask, plan: Plan) -> Quota:
    shape = topology(plan.settings)
    addresses = ask("ec2", "describe-addresses")["Addresses"]
    needed = shape.nat_gateways + sum(machine.public for machine in shape.machines)
    return Quota("ec2", "L-0263D0A3", needed, len(addresses) - len(_own(addresses, plan)))


def _nat_gateways(ask: Ask, plan: Plan) -> Quota:
    found = ask("ec2", "describe-nat-gateways", "--filter", "Name=state,Values=pending,available")["NatGateways"]
    zones = {one["SubnetId"]: one["AvailabilityZone"] for one in ask("ec2", "describe-subnets")["Subnets"]}
    in_zones = Counter(zones.get(one["SubnetId"]) for one in found if not _own([one], plan))
    needed = 1 if topology(plan.settings).nat_gateways else 0
    return Quota("vpc", "L-FE5A380F", needed, max(in_zones.values(), default=0))


def _networks(ask: Ask, plan: Plan) -> Quota:
    found = ask("ec2", "describe-vpcs")["Vpcs"]
    return Quota("vpc", "L-F678F1CE", 1, len(found) - len(_own(found, plan)))


def _balancers(ask: Ask, plan: Plan) -> Quota:
    found = [one for one in ask("elbv2", "describe-load-balancers")["LoadBalancers"] if one["Type"] == "network"]
    own = plan.target_group_names
    others = [one for one in found if one["LoadBalancerName"] not in own]
    return Quota("elasticloadbalancing", "L-69A177A2", len(own), len(others))


_QUOTAS: Final = {
    "vCPUs of machines on demand": partial(_cpus, spot=False),
    "vCPUs of Spot machines": partial(_cpus, spot=True),
    "Elastic IPs": _addresses,
    "NAT gateways in a zone": _nat_gateways,
    "VPCs": _networks,
    "network load balancers": _balancers,
}


def _room(ask: Ask, plan: Plan, count: Any) -> Found:
    quota: Quota = count(ask, plan)
    if not quota.needed:
        raise NotAnswered("the stack needs none")
    allowed = _allowed(ask, quota.service, quota.code)
    found = f"the stack needs up to {quota.needed} of {allowed}, of which others use {quota.others}"
    short = quota.needed + quota.others > allowed
    return judged([f"ask for {quota.needed + quota.others}"] if short else [], found)


def _rules(ask: Ask) -> Found:
    allowed = _allowed(ask, "vpc", "L-0EA8095F")
    fewer = [f"fewer than {RULES_PER_GROUP}"] if allowed < RULES_PER_GROUP else []
    return judged(fewer, f"{allowed} in each direction")


def _allowed(ask: Ask, service: str, code: str) -> int:
    """A quota as it was raised, or AWS's default: Service Quotas lists some only there."""
    which = ("--service-code", service, "--quota-code", code)
    try:
        found = ask("service-quotas", "get-service-quota", *which)
    except NotAnswered as unanswered:
        if unanswered.code != "NoSuchResourceException":
            raise
        found = ask("service-quotas", "get-aws-default-service-quota", *which)
    return int(found["Quota"]["Value"])


def _key(ask: Ask) -> Found:
    key = str(ask("ec2", "get-ebs-default-kms-key-id")["KmsKeyId"])
    other = (
        [] if key.endswith(_AWS_OWN_KEY) else ["workers start only if its policy grants Auto Scaling's role its use"]
    )
    return judged(other, f"new disks are encrypted with {key}")


def _of_cluster(plan: Plan) -> tuple[str, str]:
    return "--filters", f"Name=tag:quorate:cluster,Values={plan.settings.cluster.name}"


def _own(things: Iterable[Mapping[str, Any]], plan: Plan) -> list[Mapping[str, Any]]:
    """Those that the stack's tags are on."""
    tag = {"Key": "quorate:cluster", "Value": plan.settings.cluster.name}
    return [thing for thing in things if tag in thing.get("Tags", [])]
