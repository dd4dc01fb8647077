"""The topology as SVG: zones as columns, machines in tiers, arrows from who connects to whom. Pure."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from components import ports
from operations.report.drawing import conversations, nodes_way_in, operators_way_in
from pricing.topology import Kind, Topology

_COLUMN: Final = 240
_GAP: Final = 40
_MARGIN: Final = 24
_BOX_WIDTH: Final = 208
_BOX_HEIGHT: Final = 56
_BOX_GAP: Final = 12
_TIER_GAP: Final = 58
_ZONES_TOP: Final = 156
_LEGEND_LINE: Final = 20
_LEAST_WIDTH: Final = 560
_WORKERS: Final = "workers"
_COLORS: Final[Mapping[str, str]] = {
    Kind.CONTROL_PLANE: "#2f6fde",
    Kind.ETCD: "#b3541e",
    _WORKERS: "#2a8a4a",
    Kind.BASTION: "#777777",
}
_STYLE: Final = (
    "<style>text{font:12px system-ui,sans-serif;fill:currentColor}.t{font-weight:600}.s{opacity:.75}.w{fill:#fff}"
    "</style>"
    '<defs><marker id="a" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    '<path d="M0 0 8 4 0 8z" fill="currentColor"/></marker></defs>'
)


@dataclass(frozen=True)
class _Box:
    """A machine or a pool in a zone; `x` and `y` are those of its upper left corner."""

    tier: str
    title: str
    detail: str
    x: float = 0
    y: float = 0

    @property
    def top(self) -> tuple[float, float]:
        return self.x + _BOX_WIDTH / 2, self.y

    @property
    def left(self) -> tuple[float, float]:
        return self.x, self.y + _BOX_HEIGHT / 2

    @property
    def right(self) -> tuple[float, float]:
        return self.x + _BOX_WIDTH, self.y + _BOX_HEIGHT / 2

    @property
    def bottom(self) -> tuple[float, float]:
        return self.x + _BOX_WIDTH / 2, self.y + _BOX_HEIGHT


def svg(topology: Topology) -> str:
    """A picture that stands by itself, light or dark as its surroundings are."""
    boxes, bottom = _placed(topology)
    width = max(_LEAST_WIDTH, 2 * _MARGIN + topology.zones * _COLUMN + (topology.zones - 1) * _GAP)
    listed = conversations(topology)
    height = bottom + 44 + _LEGEND_LINE * len(listed) + _MARGIN
    balancers = _balancers(topology, width)
    parts = [
        *(_zone(topology, zone, bottom) for zone in range(topology.zones)),
        *_arrows(topology, boxes, balancers, width),
        *(_drawn(box) for box in boxes),
        *(_pill(name, x) for name, x in balancers.items()),
        f'<text class="t" text-anchor="middle" x="{width / 2:g}" y="30">operators: kubectl, pulumi</text>',
        *_legend(listed, bottom + 36),
    ]
    head = f'viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}" role="img"'
    title = f"<title>{html.escape(f'Topology of cluster {topology.cluster}')}</title>"
    return f'<svg xmlns="http://www.w3.org/2000/svg" {head}>{title}{_STYLE}{"".join(parts)}</svg>'


def _boxes(topology: Topology, zone: int) -> Iterator[_Box]:
    for machine in topology.machines:
        if machine.zone == zone:
            both = machine.holds_member and machine.kind is Kind.CONTROL_PLANE
            disk = f", etcd disk {machine.etcd_gib} GiB" if machine.holds_member else ""
            yield _Box(machine.kind, f"{machine.name}{' + etcd' if both else ''}", f"{machine.instance_type}{disk}")
    for pool in topology.pools:
        if zone in pool.zones:
            spot = ", spot" if pool.spot else ""
            yield _Box(_WORKERS, f"pool {pool.name}", f"{pool.at_minimum(zone)}+ workers, {pool.instance_type}{spot}")


def _placed(topology: Topology) -> tuple[list[_Box], float]:
    """All boxes at their places, tiers at the same height in all zones, and the lower end of the zones."""
    zones = [list(_boxes(topology, zone)) for zone in range(topology.zones)]
    placed, y = [], _ZONES_TOP + 36.0
    for tier in _COLORS:
        rows = max(sum(box.tier == tier for box in boxes) for boxes in zones)
        for zone, boxes in enumerate(zones):
            x = _zone_x(zone) + (_COLUMN - _BOX_WIDTH) / 2
            for row, box in enumerate(box for box in boxes if box.tier == tier):
                placed.append(_Box(tier, box.title, box.detail, x, y + row * (_BOX_HEIGHT + _BOX_GAP)))
        if rows:
            y += rows * (_BOX_HEIGHT + _BOX_GAP) - _BOX_GAP + _TIER_GAP
    return placed, y - _TIER_GAP + 20


def _zone_x(zone: int) -> float:
    return _MARGIN + zone * (_COLUMN + _GAP)


def _zone(topology: Topology, zone: int, bottom: float) -> str:
    x = _zone_x(zone)
    nat = ", NAT gateway" if topology.nat_gateways > zone else ""
    return (
        f'<rect x="{x}" y="{_ZONES_TOP}" width="{_COLUMN}" height="{bottom - _ZONES_TOP:g}" rx="8" fill="none" '
        'stroke="currentColor" stroke-dasharray="4 4" opacity=".6"/>'
        f'<text class="s" x="{x + 12}" y="{_ZONES_TOP + 20}">zone {zone + 1}{nat}</text>'
    )


def _drawn(box: _Box) -> str:
    return (
        f'<rect x="{box.x:g}" y="{box.y:g}" width="{_BOX_WIDTH}" height="{_BOX_HEIGHT}" rx="6" '
        f'fill="{_COLORS[box.tier]}"/>'
        f'<text class="t w" x="{box.x + 10:g}" y="{box.y + 23:g}">{html.escape(box.title)}</text>'
        f'<text class="w" x="{box.x + 10:g}" y="{box.y + 42:g}">{html.escape(box.detail)}</text>'
    )


def _balancers(topology: Topology, width: float) -> dict[str, float]:
    """Where the middle of each load balancer is."""
    names = [f"{balancer.name} load balancer" for balancer in topology.load_balancers]
    return {name: width * (number + 1) / (len(names) + 1) for number, name in enumerate(names)}


def _pill(name: str, x: float) -> str:
    return (
        f'<rect x="{x - 105:g}" y="74" width="210" height="34" rx="17" fill="#6b3fa0"/>'
        f'<text class="t w" text-anchor="middle" x="{x:g}" y="95">{html.escape(name)} :{ports.API}</text>'
    )


def _arrows(topology: Topology, boxes: Sequence[_Box], balancers: Mapping[str, float], width: float) -> Iterator[str]:
    control_planes = [box for box in boxes if box.tier == Kind.CONTROL_PLANE]
    outer, inner = operators_way_in(topology), nodes_way_in(topology)
    start = (width / 2, 38.0)
    if outer in balancers:
        yield _line(start, (balancers[outer], 74))
    else:
        yield from (_line(start, box.top) for box in control_planes)
    for x in balancers.values():
        yield from (_line((x, 108), box.top) for box in control_planes)
    for store in (box for box in boxes if box.tier == Kind.ETCD):
        yield from (_line(box.bottom, store.top) for box in control_planes)
    stores = [box for box in boxes if box.tier == Kind.ETCD]
    for one, other in pairwise(stores):
        if one.y == other.y:
            yield _line(one.right, other.left)
    for pool in (box for box in boxes if box.tier == _WORKERS):
        if inner in balancers:
            yield _around(pool, (balancers[inner], 108))


def _line(start: tuple[float, float], end: tuple[float, float]) -> str:
    return _path(f"M{start[0]:g} {start[1]:g}L{end[0]:g} {end[1]:g}", "")


def _around(pool: _Box, end: tuple[float, float]) -> str:
    """From a pool along the edge of its zone to a load balancer."""
    side, middle = pool.x - 8, pool.y + _BOX_HEIGHT / 2
    way = f"M{pool.x:g} {middle:g}H{side:g}V{_ZONES_TOP - 12:g}L{end[0]:g} {end[1]:g}"
    return _path(way, f' stroke-width="1.5" stroke-dasharray="4 3" style="color:{_COLORS[_WORKERS]}"')


def _path(way: str, more: str) -> str:
    return f'<path d="{way}" fill="none" stroke="currentColor" opacity=".7" marker-end="url(#a)"{more}/>'


def _legend(listed: Sequence[tuple[str, str, str]], y: float) -> Iterator[str]:
    yield f'<text class="t" x="{_MARGIN}" y="{y:g}">who opens connections to whom</text>'
    for number, (source, target, port) in enumerate(listed, start=1):
        line = html.escape(f"{source} → {target}: {port}")
        yield f'<text class="s" x="{_MARGIN}" y="{y + _LEGEND_LINE * number:g}">{line}</text>'
