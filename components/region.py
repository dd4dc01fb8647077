"""What the region has, asked of AWS before anything is registered: zones, machine image, machine types, services."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.identity.statements import Account
from components.machine_types import IMAGE_PARAMETER, MachineType, Offers, WantedType, judged, lacking, wanted_types
from components.plan import Plan
from components.previous_update import PreviousUpdate
from components.settings.load import refusal
from components.settings.problems import Problem, shown
from components.settings.rules.facts import NAMESPACE
from components.zones import added, unavailable, zones_of

# What the provider says of a service that there is none of; other failures of a question are not the settings'.
_NO_SUCH_SERVICE = ("InvalidServiceName", "no matching EC2 VPC Endpoint Service")


@dataclass(frozen=True)
class Region:
    """Where a cluster stands. `zones` are those that it uses, in order; `image` is what new instances boot from."""

    account: Account
    zones: tuple[str, ...]
    image: str


def region_of(plan: Plan, previous: PreviousUpdate | None = None) -> Region:
    """The region for a plan. Raises pulumi.RunError with everything that the settings ask for and it doesn't have.

    Zones of a living cluster are its own, and AWS is asked only for those that it gets in addition. What else it has
    already is warned about instead, as it may run.
    """
    account, network = _account(), plan.settings.network
    there = previous.zones if previous else {}
    living = previous.settings if previous else None
    services = _services(network.interface_endpoints)
    problems = [*_another_region(account.region, there.values()), *_unusable_services(services)]
    wanted = wanted_types(plan)
    offered, new = _offered(wanted), added(network, there)
    listed = _available_zones() if new else ()
    zones: tuple[str, ...] = ()
    if no_zones := list(unavailable(network, there, listed)):
        problems.extend(no_zones)
    else:
        added_types = [one for one in wanted if one.zones & set(new)]
        zones = zones_of(network, there, listed, lambda zone: lacking(added_types, offered, zone))
        had = living.network.interface_endpoints if living else ()
        problems.extend(_services_without_zones(services, had, zones, [zones[number] for number in new]))
        for verdict in judged(wanted, _offers(zones, offered), wanted_types(Plan(living)) if living else ()):
            if verdict.refused:
                problems.append(verdict.problem)
            else:
                pulumi.log.warn(str(verdict.problem))
    if problems:
        raise refusal(pulumi.get_stack(), problems)
    return Region(account, zones, _newest_image())


def _account() -> Account:
    identity = aws.get_caller_identity()
    return Account(partition=identity.arn.split(":")[1], region=aws.get_region().region, number=identity.account_id)


def _newest_image() -> str:
    """The id of the newest Debian 12 image."""
    return aws.ssm.get_parameter(name=IMAGE_PARAMETER).insecure_value


def _available_zones() -> tuple[str, ...]:
    """The region's zones by name, without local ones and those that AWS takes nothing new in."""
    own = [aws.GetAvailabilityZonesFilterArgs(name="opt-in-status", values=["opt-in-not-required"])]
    return tuple(sorted(aws.get_availability_zones(state="available", filters=own).names))


def _another_region(region: str, zones: Collection[str]) -> Iterator[Problem]:
    """A cluster that is in another region than the settings say: AWS would be asked there for all that it has."""
    own = {zone[:-1] for zone in zones} - {region}
    if own:
        yield Problem(
            "aws:region",
            shown(region),
            f"Change it back to {', '.join(sorted(own))}: the cluster of this stack is there, and can't move.",
        )


def _services(names: Sequence[str]) -> Mapping[str, aws.ec2.GetVpcEndpointServiceResult | None]:
    """What AWS says of each service's interface endpoint; None where there is none."""
    found: dict[str, aws.ec2.GetVpcEndpointServiceResult | None] = {}
    for service in names:
        try:
            found[service] = aws.ec2.get_vpc_endpoint_service(service=service, service_type="Interface")
        # The SDK has no narrower one.
        except Exception as error:
            if not any(words in str(error) for words in _NO_SUCH_SERVICE):
                raise
            found[service] = None
    return found


def _unusable_services(services: Mapping[str, aws.ec2.GetVpcEndpointServiceResult | None]) -> Iterator[Problem]:
    """Services that have no interface endpoint in the region, or none under their own name."""
    for number, (service, found) in enumerate(services.items()):
        path = f"{NAMESPACE}:network.interfaceEndpoints[{number}]"
        if found is None:
            yield Problem(
                path,
                shown(service),
                "Name a service that has an interface endpoint in this region, as in its endpoint: "
                "`aws ec2 describe-vpc-endpoint-services` lists them.",
            )
        elif not found.private_dns_name:
            yield Problem(
                path, shown(service), "Leave it out: machines can't reach its endpoint under the service's own name."
            )


def _services_without_zones(
    services: Mapping[str, aws.ec2.GetVpcEndpointServiceResult | None],
    had: Collection[str],
    zones: Sequence[str],
    new: Sequence[str],
) -> Iterator[Problem]:
    """Endpoints that AWS would refuse, as a service is not in each zone; those that a cluster `had` are in all but the
    `new` ones."""
    for number, (service, found) in enumerate(services.items()):
        offered = found.availability_zones if found else ()
        missing = [zone for zone in (new if service in had else zones) if zone not in offered] if offered else []
        if missing:
            yield Problem(
                f"{NAMESPACE}:network.interfaceEndpoints[{number}]",
                f"{shown(service)}, not offered in {', '.join(missing)}",
                "Leave it out, or name other zones in network.zoneNames: there is an endpoint in each zone.",
            )


def _offered(wanted: Sequence[WantedType]) -> Mapping[str, frozenset[str]]:
    """The zones of the region in which each wanted type is offered."""
    names = sorted({one.name for one in wanted})
    found = aws.ec2.get_instance_type_offerings(
        location_type="availability-zone",
        filters=[aws.ec2.GetInstanceTypeOfferingsFilterArgs(name="instance-type", values=names)],
    )
    places = list(zip(found.instance_types, found.locations, strict=True))
    return {name: frozenset(place for each, place in places if each == name) for name in names}


def _offers(zones: tuple[str, ...], offered: Mapping[str, frozenset[str]]) -> Offers:
    types = {name: _machine_type(name) for name in offered if offered[name]}
    nowhere = len(types) < len(offered)
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
