"""What the region has, asked of AWS before anything is registered: zones, machine image, machine types, services."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.identity.statements import Account
from components.machine_types import MachineType, Offers, WantedType, judged, wanted_types
from components.plan import Plan
from components.settings.load import refusal
from components.settings.model import Settings
from components.settings.problems import Problem, shown
from components.settings.rules.facts import NAMESPACE

# What the provider says of a service that there is none of; other failures of a question are not the settings'.
_NO_SUCH_SERVICE = ("InvalidServiceName", "no matching EC2 VPC Endpoint Service")


@dataclass(frozen=True)
class Region:
    """Where a cluster stands. `zones` are those that it uses, in order; `image` is what new instances boot from."""

    account: Account
    zones: tuple[str, ...]
    image: str


def region_of(plan: Plan, living: Settings | None = None) -> Region:
    """The region for a plan. Raises pulumi.RunError with everything that the settings ask for and it doesn't have.

    What a `living` cluster has already is warned about instead, as it may run.
    """
    account, zones = _account(), _zone_names()
    count = plan.settings.network.zones
    problems = [*_missing_zones(count, zones), *_missing_services(plan.settings.network.interface_endpoints)]
    if count <= len(zones):
        wanted = wanted_types(plan)
        for verdict in judged(wanted, _offers(wanted, zones), wanted_types(Plan(living)) if living else ()):
            if verdict.refused:
                problems.append(verdict.problem)
            else:
                pulumi.log.warn(str(verdict.problem))
    if problems:
        raise refusal(pulumi.get_stack(), problems)
    return Region(account, zones[:count], _newest_image())


def _account() -> Account:
    identity = aws.get_caller_identity()
    return Account(partition=identity.arn.split(":")[1], region=aws.get_region().region, number=identity.account_id)


def _newest_image() -> str:
    """The id of the newest Debian 12 image."""
    return aws.ssm.get_parameter(name="/aws/service/debian/release/12/latest/amd64").insecure_value


def _zone_names() -> tuple[str, ...]:
    """The region's zones by name, without local ones."""
    own = [aws.GetAvailabilityZonesFilterArgs(name="opt-in-status", values=["opt-in-not-required"])]
    return tuple(sorted(aws.get_availability_zones(state="available", filters=own).names))


def _missing_zones(count: int, zones: Sequence[str]) -> Iterator[Problem]:
    if len(zones) < count:
        yield Problem(
            f"{NAMESPACE}:network.zones",
            str(count),
            f"Choose {len(zones)} or fewer: the region has {', '.join(zones)}.",
        )


def _missing_services(services: Sequence[str]) -> Iterator[Problem]:
    """Services that have no interface endpoint in the region, or none under their own name."""
    for number, service in enumerate(services):
        path = f"{NAMESPACE}:network.interfaceEndpoints[{number}]"
        try:
            found = aws.ec2.get_vpc_endpoint_service(service=service, service_type="Interface")
        # The SDK has no narrower one.
        except Exception as error:
            if not any(words in str(error) for words in _NO_SUCH_SERVICE):
                raise
            remedy = (
                "Name a service that has an interface endpoint in this region, as in its endpoint: "
                "`aws ec2 describe-vpc-endpoint-services` lists them."
            )
            yield Problem(path, shown(service), remedy)
            continue
        if not found.private_dns_name:
            yield Problem(
                path, shown(service), "Leave it out: machines can't reach its endpoint under the service's own name."
            )


def _offers(wanted: Sequence[WantedType], zones: tuple[str, ...]) -> Offers:
    names = sorted({one.name for one in wanted})
    found = aws.ec2.get_instance_type_offerings(
        location_type="availability-zone",
        filters=[aws.ec2.GetInstanceTypeOfferingsFilterArgs(name="instance-type", values=names)],
    )
    places = list(zip(found.instance_types, found.locations, strict=True))
    offered = {name: frozenset(place for each, place in places if each == name) for name in names}
    types = {name: _machine_type(name) for name in names if offered[name]}
    nowhere = len(types) < len(names)
    all_names = aws.ec2.get_instance_type_offerings(location_type="region").instance_types if nowhere else ()
    return Offers(zones, offered, types, tuple(all_names))


def _machine_type(name: str) -> MachineType:
    found = aws.ec2.get_instance_type(instance_type=name)
    return MachineType(
        found.default_vcpus,
        found.memory_size,
        frozenset(found.supported_architectures),
        frozenset(found.supported_virtualization_types),
    )
