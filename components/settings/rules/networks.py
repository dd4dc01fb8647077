"""Rules about address ranges and who may reach them. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from ipaddress import IPv4Network
from itertools import combinations
from math import ceil
from typing import Final

from components.addresses import dynamic_capacity, zone_subnets
from components.settings.machines import REFRESH_PERCENT
from components.settings.model import NatMode, NetworkPluginName, Settings
from components.settings.plugin_versions import why_not_compared, why_unknown
from components.settings.problems import Problem
from components.settings.rules.facts import Facts, Rule, problem

PRIVATE: Final = tuple(IPv4Network(n) for n in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"))
# The least that a node takes of the pods' range: its own part, which Kubernetes sets aside for Flannel, or the first
# block that Calico gives it, of Calico's own default size.
NODE_PREFIXES: Final = {NetworkPluginName.FLANNEL: 24, NetworkPluginName.CALICO: 26}
_RANGES: Final = {
    "vpcCidr": (16, 22, "AWS allows no VPC larger than /16, and below /22 its sixteen subnets are too small"),
    "podCidr": (
        8,
        24,
        "with Flannel a node takes a /24 of it, and Kubernetes hands out at most 65536 of them; with Calico it takes a "
        "/26 or more",
    ),
    "serviceCidr": (12, 24, "kube-apiserver accepts at most 20 bits for Services, and 256 are soon used up"),
}
WIDEST_SSH: Final = 8


def _cidrs(facts: Facts) -> dict[str, str]:
    network = facts.settings.network
    return {"vpcCidr": network.vpc_cidr, "podCidr": network.pod_cidr, "serviceCidr": network.service_cidr}


def _range_fits(facts: Facts, key: str) -> Iterable[Problem]:
    cidr = _cidrs(facts)[key]
    network = IPv4Network(cidr)
    shortest, longest, reason = _RANGES[key]
    if not shortest <= network.prefixlen <= longest:
        yield problem(f"network.{key}", cidr, f"Choose a length from /{shortest} to /{longest}: {reason}.")
    if not any(network.subnet_of(private) for private in PRIVATE):
        yield problem(
            f"network.{key}",
            cidr,
            "Choose a range inside 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 or 100.64.0.0/10: other addresses belong "
            "to someone, and the cluster could no longer reach them.",
        )


def ranges_fit(facts: Facts) -> Iterable[Problem]:
    """Each range has a usable size and is private."""
    for key in _RANGES:
        if facts.sound(f"network.{key}"):
            yield from _range_fits(facts, key)


def ranges_are_disjoint(facts: Facts) -> Iterable[Problem]:
    """VPC, pods and Services share no address."""
    cidrs = {key: cidr for key, cidr in _cidrs(facts).items() if facts.sound(f"network.{key}")}
    for (key, cidr), (other_key, other) in combinations(cidrs.items(), 2):
        if IPv4Network(cidr).overlaps(IPv4Network(other)):
            yield problem(
                f"network.{other_key}",
                other,
                f"Choose a range that doesn't overlap {key} ({cidr}): the same address would mean two things.",
            )


def ssh_is_not_open(facts: Facts) -> Iterable[Problem]:
    """Port 22 is open to someone, and not to the world."""
    for number, cidr in enumerate(facts.settings.access.ssh_cidrs):
        if IPv4Network(cidr).prefixlen < WIDEST_SSH:
            yield problem(
                f"access.sshCidrs[{number}]",
                cidr,
                f"Name the networks you log in from, /{WIDEST_SSH} or smaller, such as your own address with /32: "
                "SSH open to the world is found and attacked within minutes.",
            )
    if not facts.settings.access.ssh_cidrs:
        yield problem(
            "access.sshCidrs",
            [] if facts.was_given("access.sshCidrs") else None,
            "Name at least the network of the host that runs pulumi: it sets machines up by SSH.",
        )


def api_is_reachable(facts: Facts) -> Iterable[Problem]:
    """Port 6443 is open to someone."""
    if not facts.settings.access.api_cidrs:
        yield problem(
            "access.apiCidrs",
            [] if facts.was_given("access.apiCidrs") else None,
            "Name at least the network of the host that runs pulumi: it talks to the cluster.",
        )


def bastion_has_a_purpose(facts: Facts) -> Iterable[Problem]:
    """A bastion only beside machines that have no public addresses."""
    if facts.settings.access.bastion and facts.settings.network.nat is NatMode.NONE:
        yield problem(
            "access.bastion",
            True,
            "Set it to false, or network.nat to single or perZone: without NAT the machines have public addresses, "
            "and a bastion would only cost money.",
        )


def nodes_fit_the_pod_range(facts: Facts) -> Iterable[Problem]:
    """Pod addresses for every node that there may ever be, in ranges of the plugin's size."""
    settings = facts.settings
    each = NODE_PREFIXES[settings.network_plugin.name]
    prefix = IPv4Network(settings.network.pod_cidr).prefixlen
    nodes = settings.control_plane.count + sum(pool.maximum for pool in settings.workers)
    room = 2 ** max(0, each - prefix)
    if nodes > room and prefix <= _RANGES["podCidr"][1]:
        wanted = each - (nodes - 1).bit_length()
        yield problem(
            "network.podCidr",
            settings.network.pod_cidr,
            f"Choose /{wanted} or larger, or fewer machines: it has room for {room} ranges of /{each}, of which a node "
            f"takes one at least, and the pools may grow to {nodes} nodes.",
        )


def machines_fit_the_subnets(facts: Facts) -> Iterable[Problem]:
    """Addresses in every zone for the workers that may be there, spread evenly, and for all that stands beside them."""
    settings = facts.settings
    prefix = IPv4Network(settings.network.vpc_cidr).prefixlen
    if not 16 <= prefix <= 22:
        return
    beside = _beside_workers(settings)
    room = dynamic_capacity(zone_subnets(settings.network.vpc_cidr, 1)[0].public) - beside
    for zone in range(1, settings.network.zones + 1):
        workers = _most_workers(settings, zone)
        if workers > room:
            yield problem(
                "network.vpcCidr",
                settings.network.vpc_cidr,
                f"Choose a larger VPC, more zones or fewer workers: a subnet has {room} addresses for them"
                f"{f', beside {beside} for load balancers and endpoints' if beside else ''}, and zone {zone} may get "
                f"{workers} while a pool's workers are replaced.",
            )
            return


def _most_workers(settings: Settings, zone: int) -> int:
    """How many workers a zone may have at once: those of each pool, and the new ones that come before old ones go."""
    here = [pool for pool in settings.workers if not pool.zones or zone in pool.zones]
    zones = settings.network.zones
    return sum(ceil(Fraction(pool.maximum * REFRESH_PERCENT, 100 * (len(pool.zones) or zones))) for pool in here)


def _beside_workers(settings: Settings) -> int:
    """What else takes an address of each subnet that workers are in."""
    endpoint, private = settings.api_endpoint, settings.network.nat is not NatMode.NONE
    # NAT gateways, the bastion and, with private subnets, the public load balancer are in the public ones.
    return endpoint.load_balancer + (endpoint.public and not private) + len(settings.network.interface_endpoints)


def zone_names_fit(facts: Facts) -> Iterable[Problem]:
    """A name for each zone, or for none."""
    network = facts.settings.network
    if network.zone_names and len(network.zone_names) != network.zones:
        yield problem(
            "network.zoneNames",
            list(network.zone_names),
            f"Name {network.zones} of the region, as many as network.zones says, or none: then they are chosen.",
        )


def plugin_version_fits(facts: Facts) -> Iterable[Problem]:
    """The version is one of those of the chosen plugin that the program can install."""
    plugin = facts.settings.network_plugin
    remedy = why_unknown(plugin.name, plugin.version)
    if remedy:
        found = plugin.version if facts.was_given("networkPlugin.version") else None
        yield problem("networkPlugin.version", found, remedy)


def plugin_was_compared(facts: Facts) -> Iterable[Problem]:
    """The version is one whose needs are known. A cluster that runs another may: it works, or nodes are not Ready."""
    plugin = facts.settings.network_plugin
    remedy = why_not_compared(plugin.name, plugin.version)
    if remedy:
        yield problem("networkPlugin.version", plugin.version, remedy)


RULES: Final = (
    Rule((), ranges_fit),
    Rule((), ranges_are_disjoint),
    Rule(("access.sshCidrs",), ssh_is_not_open),
    Rule(("access.apiCidrs",), api_is_reachable),
    Rule(("access.bastion", "network.nat"), bastion_has_a_purpose),
    Rule(("network.podCidr", "networkPlugin.name", "controlPlane.count", "workers"), nodes_fit_the_pod_range),
    Rule(("network", "apiEndpoint", "workers"), machines_fit_the_subnets),
    Rule(("network.zones", "network.zoneNames"), zone_names_fit),
    Rule(("networkPlugin",), plugin_version_fits),
    Rule(("networkPlugin",), plugin_was_compared, spares_living=True),
)
