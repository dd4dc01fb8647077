"""The topology in letters, for a terminal, and who talks to whom. Pure."""

from __future__ import annotations

from components import ports
from pricing.topology import Kind, Topology

_API = str(ports.API)
_ETCD = f"{ports.ETCD_CLIENTS}-{ports.ETCD_PEERS}"


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
    """Who opens connections to whom, on which port."""
    inner, outer = nodes_way_in(topology), operators_way_in(topology)
    rows = [("operators", outer, _API)]
    rows += [(f"{balancer.name} load balancer", "control plane", _API) for balancer in topology.load_balancers]
    if inner != "control plane":
        rows.append(("control plane", inner, _API))
    if topology.pools:
        rows += [("workers", inner, _API), ("control plane", "workers", str(ports.KUBELET))]
    if topology.of(Kind.ETCD):
        rows += [("control plane", "etcd", str(ports.ETCD_CLIENTS)), ("etcd", "etcd", _ETCD)]
    elif len(topology.members) > 1:
        rows.append(("control plane", "control plane", _ETCD))
    targets = ["control plane", *(["etcd"] if topology.of(Kind.ETCD) else []), *(["workers"] if topology.pools else [])]
    if topology.of(Kind.BASTION):
        return (*rows, ("operators", "bastion", str(ports.SSH)), ("bastion", ", ".join(targets), str(ports.SSH)))
    return (*rows, ("operators", ", ".join(targets), str(ports.SSH)))


def operators_way_in(topology: Topology) -> str:
    """Through what operators reach the API."""
    public = next((balancer for balancer in topology.load_balancers if balancer.public), None)
    if public:
        return f"{public.name} load balancer"
    return "control plane" if topology.control_planes[0].public else nodes_way_in(topology)


def nodes_way_in(topology: Topology) -> str:
    """Through what nodes reach the API."""
    inner = next((balancer for balancer in topology.load_balancers if not balancer.public), None)
    return f"{inner.name} load balancer" if inner else "control plane"


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
