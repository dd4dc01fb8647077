"""Who may talk to whom, on which port, and why: the one table that security groups are built from. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from components import ports
from components.settings.model import EtcdTopology, NatMode, NetworkPluginName, Settings


class Party(StrEnum):
    """An end of a conversation. The first three are address ranges; the others have a security group each."""

    OPERATORS_SSH = "operators-ssh"
    OPERATORS_API = "operators-api"
    INTERNET = "internet"
    BASTION = "bastion"
    LOAD_BALANCER = "load-balancer"
    PUBLIC_LOAD_BALANCER = "public-load-balancer"
    CONTROL_PLANE = "control-plane"
    ETCD = "etcd"
    WORKERS = "workers"
    ENDPOINTS = "endpoints"


@dataclass(frozen=True)
class Traffic:
    """A kind of connection, or of message, that is allowed; everything else is not.

    `protocol` is tcp, udp or icmp. `ports` are the first and the last; with icmp they are its type and its code, as AWS
    has them in the same two fields of a rule.
    """

    source: Party
    target: Party
    protocol: str
    ports: tuple[int, int]
    reason: str

    @property
    def span(self) -> str:
        """The port, or the first and the last; the type and code of icmp."""
        first, last = self.ports
        return str(first) if first == last else f"{first}-{last}"

    @property
    def name(self) -> str:
        """Stable: it is part of resource names."""
        return f"{self.source}-to-{self.target}-{self.protocol}-{self.span}"


_SSH: Final = (ports.SSH, ports.SSH)
_API: Final = (ports.API, ports.API)
_ETCD_CLIENTS: Final = (ports.ETCD_CLIENTS, ports.ETCD_CLIENTS)
_ETCD: Final = (ports.ETCD_CLIENTS, ports.ETCD_PEERS)
_KUBELET: Final = (ports.KUBELET, ports.KUBELET)
_HTTPS: Final = (ports.HTTPS, ports.HTTPS)
_HTTP: Final = (ports.HTTP, ports.HTTP)
# Type and code of "fragmentation needed". Networks are of IPv4 alone: IPv6 has another message for it.
_TOO_LARGE: Final = (3, 4)
_BALANCERS: Final = (Party.LOAD_BALANCER, Party.PUBLIC_LOAD_BALANCER)
_VXLAN: Final[Mapping[NetworkPluginName, tuple[int, int]]] = {
    NetworkPluginName.FLANNEL: (ports.FLANNEL_VXLAN, ports.FLANNEL_VXLAN),
    NetworkPluginName.CALICO: (ports.CALICO_VXLAN, ports.CALICO_VXLAN),
}


def allowed(settings: Settings) -> tuple[Traffic, ...]:
    """The table for a cluster of these settings: only parties that it has. NodePorts are open to nobody."""
    api = tuple(_api(settings))
    return (
        *_operators(settings),
        *api,
        *_too_large_for_a_link(settings, api),
        *_etcd(settings),
        *_nodes(settings),
        *_ways_out(settings),
    )


def machine_parties(settings: Settings) -> tuple[Party, ...]:
    """The parties that are machines of the cluster; the bastion is not."""
    parties = [Party.CONTROL_PLANE]
    if settings.etcd.topology is EtcdTopology.EXTERNAL:
        parties.append(Party.ETCD)
    if settings.workers:
        parties.append(Party.WORKERS)
    return tuple(parties)


def addresses_of(settings: Settings) -> Mapping[Party, Sequence[str]]:
    """The CIDRs of the parties that are no machines of this cluster."""
    return {
        Party.OPERATORS_SSH: settings.access.ssh_cidrs,
        Party.OPERATORS_API: settings.access.api_cidrs,
        Party.INTERNET: ("0.0.0.0/0",),
    }


def _operators(settings: Settings) -> Iterator[Traffic]:
    source = Party.OPERATORS_SSH
    if settings.access.bastion:
        yield Traffic(source, Party.BASTION, "tcp", _SSH, "operators and pulumi reach machines through the bastion")
        source = Party.BASTION
    for party in machine_parties(settings):
        yield Traffic(source, party, "tcp", _SSH, "operators and pulumi configure the machine")


def _api(settings: Settings) -> Iterator[Traffic]:
    """Operators take the public load balancer if there is one, then the machines' public addresses, then the other."""
    endpoint = settings.api_endpoint
    private = settings.network.nat is not NatMode.NONE
    if endpoint.public:
        yield Traffic(Party.OPERATORS_API, Party.PUBLIC_LOAD_BALANCER, "tcp", _API, "kubectl reaches the API")
        yield Traffic(
            Party.PUBLIC_LOAD_BALANCER, Party.CONTROL_PLANE, "tcp", _API, "requests of operators, and health checks"
        )
    elif endpoint.load_balancer and private:
        yield Traffic(Party.OPERATORS_API, Party.LOAD_BALANCER, "tcp", _API, "kubectl reaches the API")
    else:
        yield Traffic(Party.OPERATORS_API, Party.CONTROL_PLANE, "tcp", _API, "kubectl reaches the API server")
    if endpoint.load_balancer:
        yield Traffic(Party.LOAD_BALANCER, Party.CONTROL_PLANE, "tcp", _API, "requests and health checks")
        for party in _node_parties(settings):
            yield Traffic(party, Party.LOAD_BALANCER, "tcp", _API, "nodes reach the API by its name")


def _too_large_for_a_link(settings: Settings, api: Iterable[Traffic]) -> Iterator[Traffic]:
    """What tells a load balancer to send smaller packets to its clients. Operators' come from any router on the way."""
    outside = addresses_of(settings)
    clients = [(row.source, row.target) for row in api if row.target in _BALANCERS]
    for source, target in clients:
        sender = Party.INTERNET if source in outside else source
        yield Traffic(sender, target, "icmp", _TOO_LARGE, "fragmentation needed: large answers fit the way to clients")


def _etcd(settings: Settings) -> Iterator[Traffic]:
    if settings.etcd.topology is EtcdTopology.EXTERNAL:
        yield Traffic(Party.CONTROL_PLANE, Party.ETCD, "tcp", _ETCD_CLIENTS, "API servers store in etcd")
        if settings.etcd.members > 1:
            yield Traffic(Party.ETCD, Party.ETCD, "tcp", _ETCD, "etcd members replicate, and ask how others are")
    elif settings.control_plane.count > 1:
        yield Traffic(Party.CONTROL_PLANE, Party.CONTROL_PLANE, "tcp", _ETCD, "etcd members replicate, joins ask them")


def _nodes(settings: Settings) -> Iterator[Traffic]:
    vxlan = _VXLAN[settings.network_plugin.name]
    for source in _node_parties(settings):
        for target in _node_parties(settings):
            if source is target is Party.CONTROL_PLANE and settings.control_plane.count == 1:
                continue
            yield Traffic(source, target, "udp", vxlan, "pods on different nodes talk (VXLAN)")
            yield Traffic(source, target, "tcp", _KUBELET, "API servers and metrics-server ask the kubelet")
            if target is Party.CONTROL_PLANE:
                yield Traffic(source, target, "tcp", _API, "the Service kubernetes leads to the API servers themselves")


def _ways_out(settings: Settings) -> Iterator[Traffic]:
    parties = [*machine_parties(settings), *([Party.BASTION] if settings.access.bastion else [])]
    for party in parties:
        yield Traffic(party, Party.INTERNET, "tcp", _HTTPS, "packages, container images, the AWS API")
        yield Traffic(party, Party.INTERNET, "tcp", _HTTP, "Debian mirrors that a machine image names by http")
        if settings.network.interface_endpoints:
            yield Traffic(party, Party.ENDPOINTS, "tcp", _HTTPS, "AWS services without NAT")


def _node_parties(settings: Settings) -> tuple[Party, ...]:
    return tuple(party for party in machine_parties(settings) if party is not Party.ETCD)
