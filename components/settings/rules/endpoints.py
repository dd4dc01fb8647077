"""Rules about how machines and operators reach each other. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from components.settings.model import NatMode
from components.settings.problems import Problem
from components.settings.rules.facts import Facts, Rule, problem


def several_api_servers_have_a_load_balancer(facts: Facts) -> Iterable[Problem]:
    """Machines reach every API server under one name."""
    settings = facts.settings
    if settings.control_plane.count > 1 and not settings.api_endpoint.load_balancer:
        yield problem(
            "apiEndpoint.loadBalancer",
            False,
            f"Set it to true or leave it out: with {settings.control_plane.count} API servers, one name must resolve "
            "to those that are ready.",
        )


def the_api_is_reached_from_where_pulumi_runs(facts: Facts) -> Iterable[Problem]:
    """Who needs a bastion for SSH has no other way to the API, either."""
    settings = facts.settings
    if settings.access.bastion and settings.network.nat is not NatMode.NONE and not settings.api_endpoint.public:
        yield problem(
            "apiEndpoint.public",
            False,
            "Set it to true, or access.bastion to false: a bastion is for operators outside the VPC, and with "
            f"network.nat {settings.network.nat} they can reach the API only through a public load balancer.",
        )


def a_public_load_balancer_has_a_purpose(facts: Facts) -> Iterable[Problem]:
    """None where the API servers themselves have public addresses and there is but one."""
    settings = facts.settings
    alone = settings.control_plane.count == 1 and settings.network.nat is NatMode.NONE
    if settings.api_endpoint.public and alone:
        yield problem(
            "apiEndpoint.public",
            True,
            "Set it to false: the one API server has a public address, and a load balancer would only cost money.",
        )


def interface_endpoints_have_a_purpose(facts: Facts) -> Iterable[Problem]:
    """Only private subnets gain by them."""
    settings = facts.settings
    if settings.network.interface_endpoints and settings.network.nat is NatMode.NONE:
        yield problem(
            "network.interfaceEndpoints",
            settings.network.interface_endpoints,
            "Leave it out, or set network.nat to single or perZone: public subnets reach AWS's services directly.",
        )


def class_parameters_have_a_class(facts: Facts) -> Iterable[Problem]:
    """No parameters of a StorageClass that is not made."""
    addons = facts.settings.addons
    if addons.storage_class_parameters and not addons.storage_class_provisioner:
        yield problem(
            "addons.storageClassParameters",
            dict(addons.storage_class_parameters),
            "Leave it out, or name the driver in addons.storageClassProvisioner.",
        )


RULES: Final = (
    Rule(("apiEndpoint.loadBalancer", "controlPlane.count"), several_api_servers_have_a_load_balancer),
    Rule(("apiEndpoint.public", "access.bastion", "network.nat"), the_api_is_reached_from_where_pulumi_runs),
    Rule(("apiEndpoint.public", "controlPlane.count", "network.nat"), a_public_load_balancer_has_a_purpose),
    Rule(("network.interfaceEndpoints", "network.nat"), interface_endpoints_have_a_purpose),
    Rule(("addons",), class_parameters_have_a_class),
)
