"""The topology as a picture."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from typing import Any

import pytest

from components.network.traffic import Party, allowed
from operations.report.drawing import conversations, text_drawing
from operations.report.svg import svg
from pricing.topology import topology
from tests.operations.stacks import DEV, EDUCATION, PROD, STACKED, settings, with_bastion

_SVG = "{http://www.w3.org/2000/svg}"
SHAPES = [EDUCATION, DEV, STACKED, PROD]


@pytest.mark.parametrize("groups", SHAPES)
def test_every_machine_pool_zone_and_balancer_is_drawn(groups: dict[str, Any]) -> None:
    built = topology(settings(groups))
    picture = ElementTree.fromstring(svg(built))
    texts = "\n".join("".join(element.itertext()) for element in picture.iter(f"{_SVG}text"))
    for machine in built.machines:
        assert machine.name in texts
        assert f"[{machine.name}" in text_drawing(built)
    for pool in built.pools:
        assert f"pool {pool.name}" in texts
        assert f"({pool.name}: " in text_drawing(built)
    for zone in range(built.zones):
        assert f"zone {zone + 1}" in texts
    for balancer in built.load_balancers:
        assert f"{balancer.name} load balancer" in texts


@pytest.mark.parametrize("groups", [*SHAPES, {**PROD, "network": {"zones": 6, "nat": "perZone"}}])
def test_nothing_is_drawn_outside_the_picture(groups: dict[str, Any]) -> None:
    picture = ElementTree.fromstring(svg(topology(settings(groups))))
    width, height = float(picture.attrib["width"]), float(picture.attrib["height"])
    for box in picture.iter(f"{_SVG}rect"):
        x, y = float(box.attrib["x"]), float(box.attrib["y"])
        assert x >= 0
        assert x + float(box.attrib["width"]) <= width
        assert y + float(box.attrib["height"]) <= height
    for text in picture.iter(f"{_SVG}text"):
        assert 0 <= float(text.attrib["y"]) <= height


def test_boxes_of_one_zone_do_not_overlap() -> None:
    picture = ElementTree.fromstring(svg(topology(settings(PROD))))
    places = [(box.attrib["x"], float(box.attrib["y"])) for box in picture.iter(f"{_SVG}rect") if "rx" in box.attrib]
    assert len(places) == len(set(places))


def test_the_conversations_are_those_of_the_shape() -> None:
    def said(groups: dict[str, Any]) -> set[tuple[str, str, str]]:
        return set(conversations(topology(settings(groups))))

    assert ("control plane", "etcd", "2379") in said(PROD)
    assert ("workers", "internal load balancer", "6443, type 3 code 4/icmp") in said(PROD)
    assert ("internet", "internal load balancer", "type 3 code 4/icmp") in said(PROD)
    assert ("workers", "workers", "4789/udp, 10250") in said(PROD)
    assert ("operators", "bastion", "22") in conversations(topology(with_bastion(settings(PROD))))
    assert ("control plane", "control plane", "2379-2380, 4789/udp, 10250, 6443") in said(STACKED)
    assert ("workers", "control plane", "8472/udp, 10250, 6443") in said(DEV)
    assert said(EDUCATION) == {("operators", "control plane", "22, 6443")}


@pytest.mark.parametrize("groups", SHAPES)
def test_every_kind_of_traffic_inside_the_cluster_is_listed_and_nothing_else(groups: dict[str, Any]) -> None:
    checked = settings(groups)
    inside = [one for one in allowed(checked) if one.target not in (Party.INTERNET, Party.ENDPOINTS)]
    listed = [port for _, _, ports in conversations(topology(checked)) for port in ports.split(", ")]
    assert len(listed) == len(inside)
