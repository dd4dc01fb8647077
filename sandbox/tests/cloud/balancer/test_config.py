"""What haproxy gets is what the account says of load balancer, listeners and target groups."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sandbox.cloud.balancer.config import Route, configuration, routes_of
from sandbox.cloud.balancer.view import TargetGroupView
from sandbox.tests.cloud.balancer.views import BALANCER, CHECK, FIRST, GROUP, NODE, SECOND, TARGET_GROUP, draining

GROUPS = {GROUP: TARGET_GROUP}


def section(text: str, head: str) -> list[str]:
    lines = text.splitlines()
    start = lines.index(head)
    end = next((n for n in range(start + 1, len(lines)) if not lines[n].startswith("  ")), len(lines))
    return [line.strip() for line in lines[start + 1 : end]]


def first(routes: list[Route]) -> Route:
    return next(route for route in routes if route.node == NODE)


def test_each_node_listens_on_each_port_with_backends_of_its_own() -> None:
    text = configuration(BALANCER, GROUPS, "/s")
    assert f"bind {NODE}:6443" in section(text, f"frontend f-{NODE}-6443")
    assert f"default_backend b-{NODE}-6443" in section(text, f"frontend f-{NODE}-6443")
    assert f"monitor fail if {{ nbsrv(c-{NODE}-6443) eq 0 }}" in section(text, f"frontend health-{NODE}")


def test_targets_are_checked_from_the_node_by_the_groups_own_settings() -> None:
    lines = section(configuration(BALANCER, GROUPS, "/s"), f"backend c-{NODE}-6443")
    assert "http-check expect status 200" in lines
    assert any(line.startswith("http-check send meth GET uri /readyz ") for line in lines)
    (checked,) = [line for line in lines if line.startswith(f"server {FIRST} ")]
    assert checked.startswith(
        f"server {FIRST} {FIRST}:6443 source {NODE} check inter 4s fastinter 4s downinter 4s rise 2 fall 2 check-ssl "
    )
    assert checked.endswith(" port 6443")


def test_checks_speak_tls_1_2_with_the_suites_that_aws_has_for_targets() -> None:
    lines = section(configuration(BALANCER, GROUPS, "/s"), f"backend c-{NODE}-6443")
    (checked,) = [line for line in lines if line.startswith(f"server {FIRST} ")]
    assert " verify none ssl-max-ver TLSv1.2 ciphers ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-" in checked
    assert "CHACHA20" not in checked


def test_the_check_of_a_group_for_tcp_only_connects() -> None:
    plain = replace(TARGET_GROUP, check=replace(CHECK, protocol="TCP", port=None))
    lines = section(configuration(BALANCER, {GROUP: plain}, "/s"), f"backend c-{NODE}-6443")
    assert not [line for line in lines if "http" in line or "ssl" in line]
    assert any(line.endswith("port 6443") for line in lines)


def test_those_that_get_connections_are_told_and_not_checked() -> None:
    lines = section(configuration(BALANCER, GROUPS, "/s"), f"backend b-{NODE}-6443")
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
    assert {server.name for server in made.forwards.servers} == first_node_has


def test_a_target_that_leaves_is_checked_no_more_and_has_its_connections() -> None:
    made = first(routes_of(BALANCER, {GROUP: draining(FIRST)}))
    assert [server.name for server in made.checks.servers] == [SECOND]
    assert [server.name for server in made.forwards.servers] == [FIRST, SECOND]


def structure(group: TargetGroupView = TARGET_GROUP) -> str:
    return configuration(BALANCER, {GROUP: group}, "/s", servers=False)


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
    # Another process would not know the connections that there are.
    assert structure() == structure(replace(TARGET_GROUP, **changes))


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
    assert structure() != structure(replace(TARGET_GROUP, check=replace(CHECK, **changes)))
