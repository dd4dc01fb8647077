"""Rules about how machines and operators reach each other. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from components.settings.formats import TAKEN_DOMAINS
from components.settings.model import NatMode
from components.settings.problems import Problem
from components.settings.rules.facts import Facts, Rule, problem

# Where machines fetch packages, programs and images, by their first names and by those that these lead to.
FETCHED_HOSTS: Final = (
    "auth.docker.io",
    "cdn-aws.deb.debian.org",
    "cdn.packages.k8s.io",
    "cdn.quay.io",
    "deb.debian.org",
    "download.docker.com",
    "ghcr.io",
    "github.com",
    "objects.githubusercontent.com",
    "pkg-containers.githubusercontent.com",
    "pkgs.k8s.io",
    "prod-cdn.packages.k8s.io",
    "quay.io",
    "registry.k8s.io",
    "release-assets.githubusercontent.com",
    "security.debian.org",
)


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


def load_balancers_may_be_called_so(facts: Facts) -> Iterable[Problem]:
    """AWS refuses names of load balancers that begin as those of its own DNS names do."""
    name, endpoint = facts.settings.cluster.name, facts.settings.api_endpoint
    if f"{name}-".startswith("internal-") and (endpoint.load_balancer or endpoint.public):
        yield problem(
            "cluster.name",
            name,
            "Choose a name that is not and doesn't begin with internal: load balancers are named after the cluster, "
            "and AWS refuses names that begin with internal-.",
        )


def the_zone_hides_no_source(facts: Facts) -> Iterable[Problem]:
    """The private zone answers for all names in it: none that machines fetch from may be there."""
    cluster = facts.settings.cluster
    zone = f"{cluster.name}.{cluster.domain}"
    if zone in TAKEN_DOMAINS:
        yield problem(
            "cluster.domain",
            cluster.domain,
            f"Choose another domain or name: the zone would be {zone}, which is taken, {TAKEN_DOMAINS[zone]}.",
        )
    hidden = next((host for host in FETCHED_HOSTS if host == zone or host.endswith(f".{zone}")), None)
    if hidden:
        yield problem(
            "cluster.domain",
            cluster.domain,
            f"Choose another domain: in the VPC the private zone {zone} would hide {hidden}, from which machines "
            "fetch what they run.",
        )


def the_domain_is_asked_for(facts: Facts) -> Iterable[Problem]:
    """No domain that resolvers keep to themselves, or that is the internet's."""
    domain = facts.settings.cluster.domain
    if domain == "local" or domain.endswith(".local"):
        yield problem(
            "cluster.domain", domain, "Choose another domain: resolvers ask the neighbours in the network for local."
        )
    elif "." not in domain and domain != "internal":
        yield problem(
            "cluster.domain",
            domain,
            "Choose a domain of your own with a dot, such as quorate.internal, or internal: others of one part are or "
            "may become the internet's.",
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
    Rule(("cluster.name", "apiEndpoint", "controlPlane.count"), load_balancers_may_be_called_so),
    Rule(("cluster.name", "cluster.domain"), the_zone_hides_no_source),
    Rule(("cluster.domain",), the_domain_is_asked_for, spares_living=True),
    Rule(("network.interfaceEndpoints", "network.nat"), interface_endpoints_have_a_purpose),
    Rule(("addons",), class_parameters_have_a_class),
)
