"""What haproxy gets is what the account says of load balancer, listeners and target groups."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sandbox.cloud.balancer.config import Backend, backends_of, configuration
from sandbox.tests.cloud.balancer.views import BALANCER, CHECK, FIRST, GROUP, NODE, SECOND, TARGET_GROUP, draining

GROUPS = {GROUP: TARGET_GROUP}


def section(text: str, head: str) -> list[str]:
    lines = text.splitlines()
    start = lines.index(head)
    end = next((n for n in range(start + 1, len(lines)) if not lines[n].startswith("  ")), len(lines))
    return [line.strip() for line in lines[start + 1 : end]]


def by_name(backends: list[Backend]) -> dict[str, Backend]:
    return {backend.name: backend for backend in backends}


def test_each_node_listens_on_each_port_with_a_backend_of_its_own() -> None:
    text = configuration(BALANCER, GROUPS, "/s")
    assert f"bind {NODE}:6443" in section(text, f"frontend f-{NODE}-6443")
    assert f"default_backend b-{NODE}-6443" in section(text, f"frontend f-{NODE}-6443")
    assert f"use_backend b-{NODE}-6443-all if {{ nbsrv(b-{NODE}-6443) eq 0 }}" in text


def test_targets_are_checked_from_the_node_by_the_groups_own_settings() -> None:
    lines = section(configuration(BALANCER, GROUPS, "/s"), f"backend b-{NODE}-6443")
    assert "http-check expect status 200" in lines
    assert any(line.startswith("http-check send meth GET uri /readyz ") for line in lines)
    assert (
        f"server {FIRST} {FIRST}:6443 source {NODE} check inter 4s fastinter 4s downinter 4s rise 2 fall 2 "
        "check-ssl verify none on-marked-down shutdown-sessions port 6443"
    ) in lines


def test_the_check_of_a_group_for_tcp_only_connects() -> None:
    plain = replace(TARGET_GROUP, check=replace(CHECK, protocol="TCP", port=None))
    lines = section(configuration(BALANCER, {GROUP: plain}, "/s"), f"backend b-{NODE}-6443")
    assert not [line for line in lines if "http" in line or "ssl" in line]
    assert any(line.endswith("port 6443") for line in lines)


def test_those_that_are_tried_when_none_is_healthy_are_not_checked() -> None:
    lines = section(configuration(BALANCER, GROUPS, "/s"), f"backend b-{NODE}-6443-all")
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
    made = backends_of(replace(BALANCER, cross_zone=balancer), {GROUP: replace(TARGET_GROUP, cross_zone=group)})
    assert {server.name for server in by_name(made)[f"b-{NODE}-6443"].servers} == first_node_has


def test_a_target_that_leaves_gets_nothing_new_also_when_none_is_healthy() -> None:
    made = by_name(backends_of(BALANCER, {GROUP: draining(FIRST)}))
    assert [s.draining for s in made[f"b-{NODE}-6443"].servers] == [True, False]
    assert [s.name for s in made[f"b-{NODE}-6443-all"].servers] == [SECOND]


def test_targets_alone_do_not_change_the_structure() -> None:
    def structure(**changes: object) -> str:
        return configuration(BALANCER, {GROUP: replace(TARGET_GROUP, **changes)}, "/s", servers=False)  # type: ignore[arg-type]

    assert structure() == structure(targets=())
    assert structure() != structure(check=replace(CHECK, path="/livez"))
