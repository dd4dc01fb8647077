from __future__ import annotations

import pytest

from sandbox.internet import calico
from sandbox.internet.images import WHAT_CHANGED, unexplained
from sandbox.internet.oci import Image
from sandbox.internet.substitutions import substitutions
from sandbox.toolchain.build import tool_named


def test_the_version_that_is_served_is_named() -> None:
    lines = "\n".join(substitutions())
    assert f"etcd {tool_named('etcd').version}" in lines
    assert tool_named("flannel-cni").version in lines


def test_every_line_is_one_line() -> None:
    assert all(line == line.strip() and "\n" not in line for line in substitutions())


def test_the_plugins_that_are_named_are_those_of_the_toolchain() -> None:
    line = next(line for line in substitutions() if line.startswith("kubernetes-cni"))
    assert all(command in line for command in tool_named("cni").commands)


def test_the_calico_that_is_served_is_named() -> None:
    line = next(line for line in substitutions() if line.startswith(calico.REGISTRY))
    assert all(tag in line for tag in calico.tags())
    assert all(name in line for name in ("node", "cni", "kube-controllers"))


@pytest.mark.parametrize(
    ("version", "tag", "later"),
    [("3.28.5", "v3.32.1", True), ("3.31.0", "v3.31.0", False), ("3.6.14", "3.6.11-0", False), ("", "2.63.0", False)],
)
def test_a_name_that_says_a_later_version_is_served_only_where_what_changed_is_said(
    version: str, tag: str, later: bool
) -> None:
    image = Image("registry.example/node", (tag,), (), version=version)
    assert unexplained([image]) == ([f"registry.example/node:{tag}"] if later else [])


def test_what_changed_is_listed_with_its_name() -> None:
    for reference, change in WHAT_CHANGED.items():
        assert any(line.startswith(reference) and change in line for line in substitutions())
        name, _, tag = reference.partition(":")
        assert unexplained([Image(name, (tag,), (), version="0.0.1")]) == []
