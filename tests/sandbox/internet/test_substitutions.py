from __future__ import annotations

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
