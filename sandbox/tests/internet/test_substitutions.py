from __future__ import annotations

from sandbox.internet import calico
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


def test_the_calico_that_is_served_is_named_beside_every_tag_that_stands_for_it() -> None:
    line = next(line for line in substitutions() if line.startswith(calico.REGISTRY))
    assert f"Calico {tool_named('calico').version}" in line
    assert [tag for tag in calico.tags() if tag not in line] == [f"v{tool_named('calico').version}"]
    assert all(name in line for name in ("node", "cni", "kube-controllers"))
