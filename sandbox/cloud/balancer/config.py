"""A load balancer as haproxy's configuration (pure).

Each node of the load balancer has, for each listener, a backend of its own: health is what this node sees, and targets
see this node's address. Where no target is healthy, a second backend sends to all of them, unchecked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sandbox.cloud.balancer.view import BalancerView, ListenerView, NodeView, TargetGroupView

HEALTH_PORT = 65535
"""Of each node: answers 200 while each of its listeners has a healthy target, for those who give out its address."""
_USER_AGENT = "ELB-HealthChecker/2.0"

Groups = Mapping[str, TargetGroupView]


@dataclass(frozen=True)
class Server:
    """A target as one node sees it. `options` are haproxy's, for a line of configuration and for `add server`."""

    name: str
    address: str
    port: int
    options: str
    draining: bool = False

    @property
    def endpoint(self) -> str:
        return f"{self.address}:{self.port}"


@dataclass(frozen=True)
class Backend:
    """`node` is its address. `ends_connections`: those to a target that has left are cut.

    `initial_seconds`: the checks of a target that is new fail for longer than this before it is unhealthy.
    """

    name: str
    node: str
    group: str
    checked: bool
    ends_connections: bool
    servers: tuple[Server, ...]
    initial_seconds: int = 0


def backends_of(balancer: BalancerView, groups: Groups) -> list[Backend]:
    made = []
    for node, listener, group in _paths(balancer, groups):
        name = _name(node, listener)
        all_targets = [target for target in group.targets if crosses_zones(balancer, group) or target.zone == node.zone]
        for checked in (True, False):
            options = f"source {node.address}" + (f" {_check_options(group)}" if checked else "")
            servers = tuple(
                Server(t.address, t.address, t.port, _at_port(options, group, t.port), t.draining_since is not None)
                for t in all_targets
                if checked or t.draining_since is None
            )
            backend_name = name if checked else f"{name}-all"
            ends = group.ends_connections_of_deregistered
            initial = (group.check.unhealthy_threshold - 1) * group.check.interval
            made.append(Backend(backend_name, node.address, group.arn, checked, ends, servers, initial))
    return made


def crosses_zones(balancer: BalancerView, group: TargetGroupView) -> bool:
    return balancer.cross_zone if group.cross_zone is None else group.cross_zone


def configuration(balancer: BalancerView, groups: Groups, socket: str, servers: bool = True) -> str:
    """The whole file; without `servers` what a running haproxy cannot change by itself."""
    lines = [
        "global",
        "  user nobody",
        "  group nogroup",
        "  nbthread 1",
        "  maxconn 8192",
        f"  stats socket {socket} mode 600 level admin expose-fd listeners",
        # A change of the load balancer must not keep its predecessor for ever.
        "  hard-stop-after 10m",
        "  spread-checks 10",
        "defaults",
        "  mode tcp",
        # A flow has one target.
        "  retries 0",
        "  timeout queue 1s",
    ]
    by_name = {backend.name: backend for backend in backends_of(balancer, groups)}
    for node, listener, group in _paths(balancer, groups):
        name = _name(node, listener)
        lines += [
            f"frontend f-{node.address}-{listener.port}",
            f"  bind {node.address}:{listener.port}",
            f"  timeout client {listener.idle_timeout}s",
            f"  use_backend {name}-all if {{ nbsrv({name}) eq 0 }}",
            f"  default_backend {name}",
        ]
        for backend in (by_name[name], by_name[f"{name}-all"]):
            lines += [f"backend {backend.name}", *_backend_lines(listener, group, backend.checked)]
            if servers:
                lines += [f"  server {s.name} {s.endpoint} {s.options}" for s in backend.servers]
    for node in balancer.nodes:
        named = [_name(node, listener) for at, listener, _ in _paths(balancer, groups) if at == node]
        lines += [
            f"frontend health-{node.address}",
            f"  bind {node.address}:{HEALTH_PORT}",
            "  mode http",
            "  timeout client 5s",
            "  monitor-uri /",
            *(f"  monitor fail if {{ nbsrv({name}) eq 0 }}" for name in named),
        ]
    return "\n".join(lines) + "\n"


def _paths(balancer: BalancerView, groups: Groups) -> Iterator[tuple[NodeView, ListenerView, TargetGroupView]]:
    for node in balancer.nodes:
        for listener in balancer.listeners:
            if listener.target_group in groups:
                yield node, listener, groups[listener.target_group]


def _name(node: NodeView, listener: ListenerView) -> str:
    return f"b-{node.address}-{listener.port}"


def _backend_lines(listener: ListenerView, group: TargetGroupView, checked: bool) -> list[str]:
    check = group.check
    lines = [
        "  balance random(1)",
        # haproxy has one limit for its checks' connections and for those of clients.
        f"  timeout connect {check.timeout}s",
        f"  timeout server {listener.idle_timeout}s",
    ]
    if not checked:
        return lines
    lines.append(f"  timeout check {check.timeout}s")
    if check.protocol != "TCP":
        lines += [
            "  option httpchk",
            f"  http-check send meth GET uri {check.path} ver HTTP/1.1 hdr Host target hdr User-Agent {_USER_AGENT}",
            f"  http-check expect status {check.codes}",
        ]
    return lines


def _check_options(group: TargetGroupView) -> str:
    check = group.check
    timing = " ".join(f"{name} {check.interval}s" for name in ("inter", "fastinter", "downinter"))
    options = f"check {timing} rise {check.healthy_threshold} fall {check.unhealthy_threshold}"
    if check.protocol == "HTTPS":
        # As AWS does: whether the target is well is asked, not who it is.
        options += " check-ssl verify none"
    if group.ends_connections_of_unhealthy:
        options += " on-marked-down shutdown-sessions"
    return options


def _at_port(options: str, group: TargetGroupView, port: int) -> str:
    return f"{options} port {group.check.port or port}" if " check " in options else options
