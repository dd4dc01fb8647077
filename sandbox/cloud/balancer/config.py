"""A load balancer as haproxy's configuration (pure).

Each node of the load balancer has backends of its own. For each target group one checks the targets: health is what
this node sees, whichever listeners use it. For each listener one forwards, from this node's address, to those that
findings.py says.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from sandbox.cloud.balancer.view import BalancerView, ListenerView, NodeView, TargetGroupView

HEALTH_PORT = 65535
"""Of each node: answers 200 while each of its listeners has a healthy target, for those who give out its address."""
_USER_AGENT = "ELB-HealthChecker/2.0"
_CIPHERS = (
    "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA256",
    "ECDHE-RSA-AES128-SHA256", "ECDHE-ECDSA-AES128-SHA", "ECDHE-RSA-AES128-SHA", "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES256-SHA384", "ECDHE-RSA-AES256-SHA384", "ECDHE-RSA-AES256-SHA",
    "ECDHE-ECDSA-AES256-SHA", "AES128-GCM-SHA256", "AES128-SHA256", "AES128-SHA", "AES256-GCM-SHA384",
    "AES256-SHA256", "AES256-SHA",
)  # fmt: skip
"""Of ELBSecurityPolicy-2016-08, which AWS documents for connections to targets; of health checks it says only that they
do not speak TLS 1.3 (https://docs.aws.amazon.com/elasticloadbalancing/latest/network/describe-ssl-policies.html)."""

Groups = Mapping[str, TargetGroupView]


@dataclass(frozen=True)
class Server:
    """A target as one node sees it. `options` are haproxy's, for a line of configuration and for `add server`."""

    name: str
    address: str
    port: int
    options: str
    registered_at: float = 0.0

    @property
    def endpoint(self) -> str:
        return f"{self.address}:{self.port}"


@dataclass(frozen=True)
class Backend:
    """One of haproxy's. `checks`: it asks how its servers are, else it forwards to them.

    `ends_connections`: those to a target that has left are cut.
    """

    name: str
    servers: tuple[Server, ...]
    checks: bool
    ends_connections: bool = True


@dataclass(frozen=True)
class Route:
    """A listener on one node, which is its address; `group` is the ARN of the target group behind it.

    `checks` has the registered targets that the node may send to, and is shared by the listeners of a target group;
    `forwards` has all targets, as connections to others may go on. The checks of a target that is new fail for longer
    than `initial_seconds` before it is unhealthy. `unhealthy_draining` is the target group's.
    """

    node: str
    group: str
    checks: Backend
    forwards: Backend
    initial_seconds: int = 0
    interval: int = 0
    unhealthy_draining: int | None = 0


def routes_of(balancer: BalancerView, groups: Groups) -> list[Route]:
    return [_route(balancer, node, listener, group) for node, listener, group in _paths(balancer, groups)]


def crosses_zones(balancer: BalancerView, group: TargetGroupView) -> bool:
    return balancer.cross_zone if group.cross_zone is None else group.cross_zone


def configuration(balancer: BalancerView, groups: Groups, closed: Collection[tuple[str, str]] = ()) -> str:
    """The whole file. `closed` are servers, by backend and name, that get no connections at first."""
    return _configuration(balancer, groups, closed)


def structure(balancer: BalancerView, groups: Groups) -> str:
    """The file without servers: what a running haproxy cannot change by itself."""
    return _configuration(balancer, groups, None)


def endpoints(text: str) -> set[tuple[str, int]]:
    """Addresses and ports on which haproxy listens with this configuration."""
    return {(address, int(port)) for address, port in re.findall(r"^  bind (\S+):(\d+)$", text, re.MULTILINE)}


def _configuration(balancer: BalancerView, groups: Groups, closed: Collection[tuple[str, str]] | None) -> str:
    lines = [
        "global",
        "  user nobody",
        "  group nogroup",
        "  nbthread 1",
        "  maxconn 8192",
        # Connections outlive any number of changes.
        "  mworker-max-reloads 1000000",
        "  spread-checks 10",
        "defaults",
        "  mode tcp",
        # A flow has one target.
        "  retries 0",
        "  timeout queue 1s",
    ]
    for node, listener, group in _paths(balancer, groups):
        route = _route(balancer, node, listener, group)
        lines += [
            f"frontend f-{node.address}-{listener.port}",
            f"  bind {node.address}:{listener.port}",
            f"  timeout client {listener.idle_timeout}s",
            f"  default_backend {route.forwards.name}",
            f"backend {route.forwards.name}",
            "  balance random(1)",
            f"  timeout connect {group.check.timeout}s",
            f"  timeout server {listener.idle_timeout}s",
            *_servers(route.forwards, closed),
        ]
    # Listeners of one target group share its checks.
    checked = {_checks_name(node, group): (node, listener, group) for node, listener, group in _paths(balancer, groups)}
    for name, (node, listener, group) in checked.items():
        checks = _route(balancer, node, listener, group).checks
        lines += [f"backend {name}", *_check_lines(group), *_servers(checks, closed)]
    for node in balancer.nodes:
        named = [name for name, (at, _, _) in checked.items() if at == node]
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


def _route(balancer: BalancerView, node: NodeView, listener: ListenerView, group: TargetGroupView) -> Route:
    targets = [target for target in group.targets if crosses_zones(balancer, group) or target.zone == node.zone]
    source, checks = f"source {node.address}", _check_options(group)
    return Route(
        node.address,
        group.arn,
        Backend(
            _checks_name(node, group),
            tuple(
                Server(t.address, t.address, t.port, f"{source} {checks} port {group.check.port or t.port}",
                       t.registered_at)
                for t in targets
                if t.draining_since is None
            ),
            checks=True,
        ),
        Backend(
            # With the target group: connections that went to another one before are none of its.
            f"b-{node.address}-{listener.port}-{group.id}",
            tuple(Server(t.address, t.address, t.port, source, t.registered_at) for t in group.targets),
            checks=False,
            ends_connections=group.ends_connections_of_deregistered,
        ),
        initial_seconds=(group.check.unhealthy_threshold - 1) * group.check.interval,
        interval=group.check.interval,
        unhealthy_draining=group.unhealthy_draining,
    )  # fmt: skip


def _checks_name(node: NodeView, group: TargetGroupView) -> str:
    return f"c-{node.address}-{group.id}"


def _servers(backend: Backend, closed: Collection[tuple[str, str]] | None) -> list[str]:
    if closed is None:
        return []
    weights = {s.name: " weight 0" if (backend.name, s.name) in closed else "" for s in backend.servers}
    return [f"  server {s.name} {s.endpoint} {s.options}{weights[s.name]}" for s in backend.servers]


def _check_lines(group: TargetGroupView) -> list[str]:
    check = group.check
    # Options of a server cannot be changed while haproxy runs: here they are part of what makes it start again.
    lines = [f"  # {_check_options(group)} port {check.port}", f"  timeout connect {check.timeout}s"]
    # haproxy wants to know it of any backend.
    lines += [f"  timeout server {check.timeout}s", f"  timeout check {check.timeout}s"]
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
        options += f" check-ssl verify none ssl-max-ver TLSv1.2 ciphers {':'.join(_CIPHERS)}"
    return options
