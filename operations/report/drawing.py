"""The topology in letters, for a terminal, and who talks to whom. Pure."""

from __future__ import annotations

from components.network.traffic import Party, Traffic
from pricing.topology import Kind, Topology

_OUTSIDE = (Party.INTERNET, Party.ENDPOINTS)
_NAMES = {
    Party.OPERATORS_SSH: "operators",
    Party.OPERATORS_API: "operators",
    Party.INTERNET: "internet",
    Party.BASTION: "bastion",
    Party.LOAD_BALANCER: "internal load balancer",
    Party.PUBLIC_LOAD_BALANCER: "public load balancer",
    Party.CONTROL_PLANE: "control plane",
    Party.ETCD: "etcd",
    Party.WORKERS: "workers",
}


def text_drawing(topology: Topology) -> str:
    """A column per zone, and the conversations below."""
    columns = [_zone_lines(topology, zone) for zone in range(topology.zones)]
    width = max(len(line) for column in columns for line in column) + 2
    height = max(len(column) for column in columns)
    front = [f"[{balancer.name} load balancer]" for balancer in topology.load_balancers]
    lines = ["   ".join(front), ""] if front else []
    lines.append("  ".join("┌" + f" zone {zone + 1} ".center(width, "─") + "┐" for zone in range(topology.zones)))
    for number in range(height):
        cells = [column[number] if number < len(column) else "" for column in columns]
        lines.append("  ".join("│" + f" {cell}".ljust(width) + "│" for cell in cells))
    lines.append("  ".join("└" + "─" * width + "┘" for _ in columns))
    lines += ["", *(f"{source} ──{port}──▶ {target}" for source, target, port in conversations(topology))]
    return "\n".join(lines)


def conversations(topology: Topology) -> tuple[tuple[str, str, str], ...]:
    """Who sends to whom inside the cluster, and to which ports: those of TCP, `8472/udp`, `type 3 code 4/icmp`."""
    found: dict[tuple[str, str], list[str]] = {}
    for traffic in topology.traffic:
        if traffic.target not in _OUTSIDE:
            ports = found.setdefault((_NAMES[traffic.source], _NAMES[traffic.target]), [])
            ports.append(_port(traffic))
    return tuple((source, target, ", ".join(ports)) for (source, target), ports in found.items())


def _port(traffic: Traffic) -> str:
    if traffic.protocol == "icmp":
        return "type {} code {}/icmp".format(*traffic.ports)
    return traffic.span if traffic.protocol == "tcp" else f"{traffic.span}/{traffic.protocol}"


def operators_way_in(topology: Topology) -> str:
    """Through what operators reach the API."""
    return next(_NAMES[traffic.target] for traffic in topology.traffic if traffic.source is Party.OPERATORS_API)


def nodes_way_in(topology: Topology) -> str:
    """Through what nodes reach the API."""
    parties = {traffic.target for traffic in topology.traffic if traffic.source is Party.CONTROL_PLANE}
    return _NAMES[Party.LOAD_BALANCER if Party.LOAD_BALANCER in parties else Party.CONTROL_PLANE]


def _zone_lines(topology: Topology, zone: int) -> list[str]:
    lines = []
    for machine in topology.machines:
        if machine.zone == zone:
            member = " + etcd" if machine.holds_member and machine.kind is Kind.CONTROL_PLANE else ""
            lines += [f"[{machine.name}{member}]", f"  {machine.instance_type} {machine.address}".rstrip()]
    for pool in topology.pools:
        if zone in pool.zones:
            lines += [f"({pool.name}: {pool.at_minimum(zone)} or more workers)", f"  {pool.instance_type}"]
    if topology.nat_gateways > zone:
        lines.append("NAT gateway")
    return lines
