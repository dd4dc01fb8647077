"""What a stack does not use is not built for it, and each reason names what asks for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from components.settings.model import Settings
from operations.stack_files import read_stack
from sandbox import lifecycle, status
from sandbox.errors import SandboxError
from sandbox.toolchain.build import tool_named
from sandbox.toolchain.needs import ALWAYS, EVERY_STACK, needed_by
from sandbox.toolchain.tools import TOOLS


def stack(name: str) -> Settings:
    return read_stack(name, Path(__file__).parents[3] / "stacks").settings


def test_education_needs_flannel_and_neither_calico_nor_metrics_server() -> None:
    assert needed_by([stack("education")]) == dict.fromkeys(
        ("flannel", "flannel-cni"), "education: networkPlugin.name is flannel"
    )


def test_prod_needs_calico_and_metrics_server() -> None:
    assert needed_by([stack("prod")]) == {
        "calico": "prod: networkPlugin.name is calico",
        "metrics-server": "prod: it has the add-on metrics_server",
    }


def test_an_older_containerd_is_built_for_the_stack_that_names_it() -> None:
    older = tool_named("containerd-previous").version
    chosen = stack("education")
    chosen = replace(chosen, cluster=replace(chosen.cluster, containerd_version=older))
    assert needed_by([chosen])["containerd-previous"] == f"education: cluster.containerdVersion is {older}"


def test_what_several_stacks_need_is_the_union() -> None:
    both = [stack("education"), stack("prod")]
    assert set(needed_by(both)) == set(needed_by(both[:1])) | set(needed_by(both[1:]))


def test_every_tool_is_for_every_stack_or_for_some_or_only_checks_workflows() -> None:
    assert {tool.name for tool in TOOLS} - set(EVERY_STACK) == {"actionlint"}
    assert set(EVERY_STACK) - set(ALWAYS) == {
        "flannel", "flannel-cni", "calico", "metrics-server", "containerd-previous",
    }  # fmt: skip


def test_what_is_built_is_said_with_its_reason_and_so_is_what_is_not() -> None:
    said: list[str] = []
    tools = lifecycle._tools_for(["education"], said.append)
    assert "calico" not in tools
    assert "  flannel, because education: networkPlugin.name is flannel" in said
    assert said[-1] == "  not containerd-previous, metrics-server, calico; `python -m sandbox up` builds these too"


def test_a_stack_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(SandboxError, match=r"no stack 'nowhere' .*: dev, education, prod"):
        lifecycle._tools_for(["nowhere"], lambda line: None)


def test_a_sandbox_that_is_up_without_a_tool_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUORATE_STATE", str(tmp_path))
    status.tools_file().write_text("kubernetes\nflannel")
    lifecycle._require_tools(["kubernetes", "flannel"])
    with pytest.raises(SandboxError, match="up without calico; run `python -m sandbox down`"):
        lifecycle._require_tools(["kubernetes", "calico"])
