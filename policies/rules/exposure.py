"""Which ports the world may reach. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network, ip_network
from typing import Any, Final

from components import ports
from components.settings.rules.access import MOST_PUBLIC_ADDRESSES, public_addresses
from policies.context import highly_available
from policies.model import Context, Finding, Level, Resource, ResourceRule, Severity, Stack, StackRule
from policies.values import UNKNOWN, at, items, known

# A network this wide is the world, cut in pieces or not.
_WIDEST: Final = {4: 8, 6: 16}
_EVERY_PROTOCOL: Final = ("-1", "all")
_TCP: Final = ("tcp", "6", *_EVERY_PROTOCOL)


@dataclass(frozen=True)
class _Opening:
    """Ports (first and last) that a rule opens to networks."""

    protocol: Any
    first: Any
    last: Any
    networks: tuple[str, ...]

    def opens(self, first: int, last: int) -> bool:
        if self.protocol is UNKNOWN or self.protocol not in _TCP:
            return False
        if self.protocol in _EVERY_PROTOCOL:
            return True
        if not isinstance(self.first, int | float) or not isinstance(self.last, int | float):
            return False
        return self.first <= last and first <= self.last


def _openings(resource: Resource) -> Iterator[_Opening]:
    """What a resource lets in, whichever way its type says it."""
    if resource.type == "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule":
        protocol, networks = resource.get("ipProtocol"), [resource.get("cidrIpv4"), resource.get("cidrIpv6")]
        yield _Opening(protocol, resource.get("fromPort"), resource.get("toPort"), _texts(networks))
    elif resource.type == "aws:ec2/securityGroupRule:SecurityGroupRule" and resource.get("type") == "ingress":
        yield _opening(resource.props)
    elif resource.type in ("aws:ec2/securityGroup:SecurityGroup", "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"):
        for entry in items(resource.get("ingress")):
            yield _opening(entry)


def _opening(entry: Any) -> _Opening:
    networks = [*items(at(entry, "cidrBlocks")), *items(at(entry, "ipv6CidrBlocks"))]
    return _Opening(at(entry, "protocol"), at(entry, "fromPort"), at(entry, "toPort"), _texts(networks))


def _texts(values: Iterable[Any]) -> tuple[str, ...]:
    return tuple(value for value in values if known(value) and isinstance(value, str))


def _wide(network: str) -> bool:
    try:
        parsed = ip_network(network, strict=False)
    except ValueError:
        return False
    return parsed.prefixlen < _WIDEST[parsed.version]


def _closed(
    what: str, first: int, last: int, remedy: str, applies: Callable[[Context], bool] = lambda context: True
) -> Callable[[Resource, Context], Iterable[Finding]]:
    ports = str(first) if first == last else f"{first}-{last}"

    def check(resource: Resource, context: Context) -> Iterable[Finding]:
        if not applies(context):
            return
        for opening in _openings(resource):
            wide = [network for network in opening.networks if _wide(network)]
            if wide and opening.opens(first, last):
                yield Finding(f"{resource.name} opens {what} (port {ports}) to {', '.join(wide)}.", remedy, resource)

    return check


def ssh_in_pieces(stack: Stack, context: Context) -> Iterable[Finding]:
    """Networks that are each narrow enough, and together a large part of the internet."""
    narrow = {
        network
        for resource in stack.resources
        for opening in _openings(resource)
        if opening.opens(ports.SSH, ports.SSH)
        for network in opening.networks
        if not _wide(network)
    }
    addresses = public_addresses(_ipv4(narrow))
    if addresses > MOST_PUBLIC_ADDRESSES:
        yield Finding(
            f"SSH (port {ports.SSH}) is open to {addresses:,} public addresses, in {len(narrow)} networks.",
            _NAME_NETWORKS.format(key="sshCidrs"),
        )


def _ipv4(networks: Iterable[str]) -> Iterator[IPv4Network]:
    for network in networks:
        try:
            yield IPv4Network(network, strict=False)
        except ValueError:
            continue


_NAME_NETWORKS = "name the networks that need it in quorate:access.{key}, such as your own address with /32."

RULES = (
    ResourceRule(
        "ssh-is-not-open-to-the-world",
        "SSH is open to named networks only.",
        "the login user can become root on every machine, and open SSH ports are found and attacked within minutes.",
        Severity.CRITICAL,
        check=_closed("SSH", ports.SSH, ports.SSH, _NAME_NETWORKS.format(key="sshCidrs")),
    ),
    StackRule(
        "ssh-is-not-open-in-pieces",
        "SSH is open to no large part of the internet, cut in networks or not.",
        "many networks that are each narrow enough are together as easily found and attacked as a wide one.",
        Severity.HIGH,
        Level.ADVISORY,
        check=ssh_in_pieces,
    ),
    ResourceRule(
        "etcd-is-not-open-to-the-world",
        "etcd's ports are open to the cluster's machines only.",
        "anyone who reaches etcd with a certificate bypasses every permission check of the API server.",
        Severity.CRITICAL,
        check=_closed(
            "etcd",
            ports.ETCD_CLIENTS,
            ports.ETCD_PEERS,
            "allow only the security groups of the control plane and of etcd's members.",
        ),
    ),
    ResourceRule(
        "kubelet-is-not-open-to-the-world",
        "The kubelets' port is open to the cluster's machines only.",
        "the kubelet's API runs commands in every container of its node.",
        Severity.CRITICAL,
        check=_closed(
            "the kubelet's API", ports.KUBELET, ports.KUBELET, "allow only the security group of the control plane."
        ),
    ),
    ResourceRule(
        "api-is-not-open-to-the-world",
        "The Kubernetes API is open to named networks only.",
        "if it is open to the world, anyone can exploit a flaw in the API server or use a leaked kubeconfig.",
        Severity.HIGH,
        check=_closed(
            "the Kubernetes API", ports.API, ports.API, _NAME_NETWORKS.format(key="apiCidrs"), highly_available
        ),
    ),
    ResourceRule(
        "api-of-a-learning-cluster-is-not-open",
        "The Kubernetes API of a cluster with one control plane is open to named networks only.",
        "with a leaked kubeconfig of a learning cluster, someone can still run whatever they like, at your expense.",
        Severity.MEDIUM,
        Level.ADVISORY,
        check=_closed(
            "the Kubernetes API",
            ports.API,
            ports.API,
            _NAME_NETWORKS.format(key="apiCidrs"),
            lambda context: not highly_available(context),
        ),
    ),
)
