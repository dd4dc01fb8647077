"""Rules about the networks that operators come from. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network, collapse_addresses
from typing import Final

from components.settings.model import NatMode
from components.settings.problems import Problem
from components.settings.rules.facts import NAMESPACE, Facts, Rule, problem
from components.settings.rules.networks import PRIVATE, WIDEST_SSH

MOST_PUBLIC_ADDRESSES: Final = 2 ** (32 - WIDEST_SSH)
_NOBODYS: Final = {
    IPv4Network("0.0.0.0/8"): "means no address",
    IPv4Network("127.0.0.0/8"): "is each machine itself",
    IPv4Network("169.254.0.0/16"): "is a machine's own link, with AWS's metadata on it",
    IPv4Network("224.0.0.0/4"): "is for multicast",
    IPv4Network("240.0.0.0/4"): "belongs to nobody",
}


def public_addresses(networks: Iterable[IPv4Network]) -> int:
    """How many addresses of the internet networks have together."""
    public = [network for network in networks if not any(network.subnet_of(private) for private in PRIVATE)]
    return sum(network.num_addresses for network in collapse_addresses(public))


def _listed(facts: Facts) -> Iterator[tuple[str, str, IPv4Network]]:
    """Each network that may reach the cluster: key path, as written, and parsed."""
    access = facts.settings.access
    for key, cidrs in (("sshCidrs", access.ssh_cidrs), ("apiCidrs", access.api_cidrs)):
        if facts.sound(f"access.{key}"):
            for number, cidr in enumerate(cidrs):
                yield f"access.{key}[{number}]", cidr, IPv4Network(cidr)


def operators_come_from_somewhere(facts: Facts) -> Iterable[Problem]:
    """No network that nobody can come from."""
    for path, cidr, network in _listed(facts):
        for nobodys, meaning in _NOBODYS.items():
            if network.subnet_of(nobodys):
                yield problem(
                    path, cidr, f"Name networks that operators come from: {nobodys} {meaning}, so nobody comes from it."
                )


def operators_are_outside_the_cluster(facts: Facts) -> Iterable[Problem]:
    """No network of operators within those of pods or Services: answers to it never leave the machine."""
    network = facts.settings.network
    for key, cidr in (("podCidr", network.pod_cidr), ("serviceCidr", network.service_cidr)):
        if not facts.sound(f"network.{key}"):
            continue
        for path, found, operators in _listed(facts):
            if operators.subnet_of(IPv4Network(cidr)):
                yield problem(
                    path,
                    found,
                    f"Name a network outside of network.{key} ({cidr}), or choose another {key}: machines send what is "
                    "for these addresses into the cluster, so operators there get no answer.",
                )


def ssh_is_not_open_in_pieces(facts: Facts) -> Iterable[Problem]:
    """All networks that may log in are together no more of the internet than one of them may be."""
    networks = [IPv4Network(cidr) for cidr in facts.settings.access.ssh_cidrs]
    addresses = public_addresses(networks)
    if addresses > MOST_PUBLIC_ADDRESSES and all(network.prefixlen >= WIDEST_SSH for network in networks):
        yield Problem(
            f"{NAMESPACE}:access.sshCidrs",
            f"{len(networks)} networks with {addresses:,} public addresses",
            f"Name fewer or smaller ones, no more than a /{WIDEST_SSH} in all: SSH open to a large part of the world "
            "is found and attacked within minutes.",
        )


def pulumi_reaches_the_cluster(facts: Facts) -> Iterable[Problem]:
    """Whoever has neither bastion nor public API before private subnets means to be inside the VPC."""
    settings = facts.settings
    outside = settings.access.bastion or settings.api_endpoint.public or settings.network.nat is NatMode.NONE
    if not outside:
        yield problem(
            "access.bastion",
            False,
            "Nothing of the cluster can be reached from outside: run pulumi inside the VPC "
            f"({settings.network.vpc_cidr}) or in a network connected to it, or set access.bastion and "
            "apiEndpoint.public to true.",
        )


RULES: Final = (
    Rule((), operators_come_from_somewhere),
    Rule((), operators_are_outside_the_cluster),
    Rule(("access.sshCidrs",), ssh_is_not_open_in_pieces, spares_living=True),
    Rule(
        ("access.bastion", "apiEndpoint.public", "network.nat", "network.vpcCidr"),
        pulumi_reaches_the_cluster,
        advises=True,
    ),
)
