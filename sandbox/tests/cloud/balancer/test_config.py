"""What haproxy gets is what the account says of load balancer, listeners and target groups."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sandbox.cloud.balancer.config import Route, configuration, endpoints, routes_of, structure
from sandbox.cloud.balancer.view import ListenerView, TargetGroupView
from sandbox.tests.cloud.balancer.views import (
    BALANCER,
    CHECK,
    FIRST,
    GROUP,
    NODE,
    SECOND,
    SECOND_NODE,
    TARGET_GROUP,
    draining,
)

GROUPS = {GROUP: TARGET_GROUP}
CHECKS, FORWARDS = f"c-{NODE}-0011223344556677", f"b-{NODE}-6443-0011223344556677"


def section(text: str, head: str) -> list[str]:
    lines = text.splitlines()
    start = lines.index(head)
    end = next((n for n in range(start + 1, len(lines)) if not lines[n].startswith("  ")), len(lines))
    return [line.strip() for line in lines[start + 1 : end]]


def first(routes: list[Route]) -> Route:
    return next(route for route in routes if route.node == NODE)


def test_each_node_listens_on_each_port_with_backends_of_its_own() -> None:
    text = configuration(BALANCER, GROUPS)
    assert f"bind {NODE}:6443" in section(text, f"frontend f-{NODE}-6443")
    assert f"default_backend {FORWARDS}" in section(text, f"frontend f-{NODE}-6443")
    assert f"monitor fail if {{ nbsrv({CHECKS}) eq 0 }}" in section(text, f"frontend health-{NODE}")


def test_it_listens_on_the_ports_and_for_probes_on_each_node() -> None:
    expected = {(node, port) for node in (NODE, SECOND_NODE) for port in (6443, 65535)}
    assert endpoints(structure(BALANCER, GROUPS)) == endpoints(configuration(BALANCER, GROUPS)) == expected


def test_targets_are_checked_from_the_node_by_the_groups_own_settings() -> None:
    lines = section(configuration(BALANCER, GROUPS), f"backend {CHECKS}")
    assert "http-check expect status 200" in lines
    assert any(line.startswith("http-check send meth GET uri /readyz ") for line in lines)
    (checked,) = [line for line in lines if line.startswith(f"server {FIRST} ")]
    assert checked.startswith(
        f"server {FIRST} {FIRST}:6443 source {NODE} check inter 4s fastinter 4s downinter 4s rise 2 fall 2 check-ssl "
    )
    assert checked.endswith(" port 6443")


def test_checks_speak_tls_1_2_with_the_suites_that_aws_has_for_targets() -> None:
    lines = section(configuration(BALANCER, GROUPS), f"backend {CHECKS}")
    (checked,) = [line for line in lines if line.startswith(f"server {FIRST} ")]
    assert " verify none ssl-max-ver TLSv1.2 ciphers ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-" in checked
    assert "CHACHA20" not in checked


def test_the_check_of_a_group_for_tcp_only_connects() -> None:
    plain = replace(TARGET_GROUP, check=replace(CHECK, protocol="TCP", port=None))
    lines = section(configuration(BALANCER, {GROUP: plain}), f"backend {CHECKS}")
    assert not [line for line in lines if "http" in line or "ssl" in line]
    assert any(line.endswith("port 6443") for line in lines)


def test_those_that_get_connections_are_told_and_not_checked() -> None:
    lines = section(configuration(BALANCER, GROUPS), f"backend {FORWARDS}")
    assert f"server {FIRST} {FIRST}:6443 source {NODE}" in lines


@pytest.mark.parametrize(
    ("balancer", "group", "first_node_has"),
    [
        (True, None, {FIRST, SECOND}),
        (False, None, {FIRST}),
        (False, True, {FIRST, SECOND}),
        (True, False, {FIRST}),
    ],
)
def test_zones_are_crossed_where_the_group_or_else_the_load_balancer_says_so(
    balancer: bool, group: bool | None, first_node_has: set[str]
) -> None:
    made = first(routes_of(replace(BALANCER, cross_zone=balancer), {GROUP: replace(TARGET_GROUP, cross_zone=group)}))
    assert {server.name for server in made.checks.servers} == first_node_has
    # A connection across zones goes on when no new one may cross.
    assert {server.name for server in made.forwards.servers} == {FIRST, SECOND}


def test_a_target_that_leaves_is_checked_no_more_and_has_its_connections() -> None:
    made = first(routes_of(BALANCER, {GROUP: draining(FIRST)}))
    assert [server.name for server in made.checks.servers] == [SECOND]
    assert [server.name for server in made.forwards.servers] == [FIRST, SECOND]


def test_listeners_of_one_target_group_share_its_checks() -> None:
    balancer = replace(BALANCER, listeners=(*BALANCER.listeners, ListenerView(8443, 350, GROUP)))
    checks = [line for line in configuration(balancer, GROUPS).splitlines() if line.startswith("backend c-")]
    assert checks == [f"backend {CHECKS}", f"backend c-{SECOND_NODE}-0011223344556677"]
    forwards = [route.forwards.name for route in routes_of(balancer, GROUPS) if route.node == NODE]
    assert forwards == [FORWARDS, f"b-{NODE}-8443-0011223344556677"]


def test_a_listener_that_is_led_to_another_group_has_another_backend() -> None:
    # What goes to the targets of the former one goes on.
    other = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/other/7766554433221100"
    led = replace(BALANCER, listeners=(replace(BALANCER.listeners[0], target_group=other),))
    groups = {GROUP: TARGET_GROUP, other: replace(TARGET_GROUP, arn=other)}
    assert first(routes_of(led, groups)).forwards.name == f"b-{NODE}-6443-7766554433221100"


def test_a_server_that_is_closed_gets_nothing_from_the_start() -> None:
    text = configuration(BALANCER, GROUPS, closed={(FORWARDS, FIRST)})
    servers = {line for line in section(text, f"backend {FORWARDS}") if line.startswith("server ")}
    assert servers == {
        f"server {FIRST} {FIRST}:6443 source {NODE} weight 0",
        f"server {SECOND} {SECOND}:6443 source {NODE}",
    }
    assert "weight" not in "\n".join(section(text, f"backend {CHECKS}"))


def structure_with(group: TargetGroupView = TARGET_GROUP) -> str:
    return structure(BALANCER, {GROUP: group})


@pytest.mark.parametrize(
    "changes",
    [
        {"targets": ()},
        {"cross_zone": False},
        {"ends_connections_of_deregistered": False},
        {"unhealthy_draining": None},
        {"unhealthy_draining": 300},
    ],
)
def test_what_haproxy_is_told_while_it_runs_does_not_change_the_structure(changes: dict[str, Any]) -> None:
    # Another worker would begin to count checks again.
    assert structure_with() == structure_with(replace(TARGET_GROUP, **changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"protocol": "TCP"},
        {"protocol": "HTTP"},
        {"port": 8080},
        {"path": "/livez"},
        {"codes": "200-299"},
        {"interval": 10},
        {"timeout": 3},
        {"healthy_threshold": 3},
        {"unhealthy_threshold": 3},
    ],
)
def test_whatever_changes_in_a_health_check_makes_haproxy_start_anew(changes: dict[str, Any]) -> None:
    assert structure_with() != structure_with(replace(TARGET_GROUP, check=replace(CHECK, **changes)))
