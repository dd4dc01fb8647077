"""What the host is, found out from mounts, folders and trials, and without a look at anything of Docker's."""

from __future__ import annotations

import ast
import os
import re
import stat
from pathlib import Path

import pytest

from sandbox.preflight import detect, trials
from sandbox.preflight.rules import CONTROLLERS, problems
from sandbox.preflight.situation import ControlGroups, Work

CHECKOUT = Path(__file__).resolve().parents[3]


def host(root: Path, mounts: str, controllers: str = "") -> Path:
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/mounts").write_text(mounts)
    (root / "sys/fs/cgroup").mkdir(parents=True)
    (root / "sys/fs/cgroup/cgroup.controllers").write_text(controllers)
    return root


def test_version_2_is_the_unified_mount_with_its_controllers(tmp_path: Path) -> None:
    mounts = "cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0\n"
    found = detect.control_groups(host(tmp_path, mounts, "cpuset cpu io memory pids\n"))
    assert found == ControlGroups(2, frozenset({"cpuset", "cpu", "io", "memory", "pids"}))


def test_version_1_has_what_its_mounts_name_also_several_in_one(tmp_path: Path) -> None:
    mounts = "".join(
        f"cgroup /sys/fs/cgroup/{name} cgroup rw,relatime,{name} 0 0\n" for name in ("cpu,cpuacct", "memory", "pids")
    )
    found = detect.control_groups(host(tmp_path, mounts))
    assert found.version == 1
    assert found.controllers & CONTROLLERS[1] == {"cpu", "cpuacct", "memory", "pids"}


def test_a_hybrid_host_counts_as_version_1(tmp_path: Path) -> None:
    mounts = (
        "tmpfs /sys/fs/cgroup tmpfs rw 0 0\ncgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n"
        "cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0\n"
    )
    assert detect.control_groups(host(tmp_path, mounts)).version == 1


def test_no_mount_is_no_control_groups(tmp_path: Path) -> None:
    assert detect.control_groups(host(tmp_path, "proc /proc proc rw 0 0\n")).version == 0


def test_room_is_that_of_the_nearest_folder_that_exists(tmp_path: Path) -> None:
    there = detect.room_at(tmp_path)
    assert detect.room_at(tmp_path / "not" / "yet").device == there.device
    assert there.free > 0


@pytest.fixture
def go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `go` that answers as one of release 1.24 does, alone on PATH."""
    program = tmp_path / "go"
    answers = "GOVERSION) echo go1.24.1;; GOMODCACHE) echo /mod;; GOCACHE) echo /objects;;"
    answers += ' GOTOOLCHAIN) echo "${GOTOOLCHAIN:-auto}";;'
    program.write_text(f"#!/bin/sh\nshift\nfor name; do case $name in {answers} esac; done\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("GOTOOLCHAIN", raising=False)
    return program


def test_go_tells_its_release_its_caches_and_whether_it_may_fetch_another(go: Path) -> None:
    found = detect.go_settings()
    assert found == {"GOVERSION": "go1.24.1", "GOMODCACHE": "/mod", "GOCACHE": "/objects", "GOTOOLCHAIN": "auto"}


def test_a_broken_go_and_no_go_are_the_same(go: Path) -> None:
    go.write_text("#!/bin/sh\nexit 2\n")
    assert detect.go_settings() == {}
    go.unlink()
    assert detect.go_settings() == {}


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which every tool of the trials works; it is all of PATH besides the shell's own commands."""
    for name in ("unshare", "losetup"):
        (tmp_path / name).write_text("#!/bin/sh\nexit 0\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_a_kernel_that_allows_all_refuses_nothing(tools: Path) -> None:
    assert trials.refusals() == {}


def test_trials_name_each_refusal_with_what_the_tool_said(tools: Path) -> None:
    (tools / "unshare").write_text('#!/bin/sh\n[ "$1" = --mount ] || { echo "Operation not permitted" >&2; exit 1; }\n')
    (tools / "losetup").write_text("#!/bin/sh\nexit 3\n")
    assert trials.refusals() == {
        "a network namespace": "Operation not permitted",
        "a process namespace": "Operation not permitted",
        "a loop device": "`losetup` ended with 3",
    }


def test_a_tool_that_is_missing_is_no_refusal(tools: Path) -> None:
    (tools / "losetup").unlink()
    assert trials.refusals() == {}


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_an_overlay_is_tried_out_of_sight() -> None:
    mounted = Path("/proc/self/mounts").read_text()
    trials.refusals()
    assert Path("/proc/self/mounts").read_text() == mounted


@pytest.mark.parametrize("docker", ["absent", "running"])
def test_docker_makes_no_difference_and_is_never_called(
    docker: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    called = tmp_path / "called"
    folder = tmp_path / "bin"
    folder.mkdir()
    if docker == "running":
        for name in ("docker", "dockerd", "podman", "ctr"):
            (folder / name).write_text(f"#!/bin/sh\necho {name} >>{called}\n")
            (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    found = problems(detect.situation(), Work(tools=(), go="1.26", image=False, site=False))
    assert "docker" not in " ".join(str(problem).replace("(Docker: --privileged)", "") for problem in found).lower()
    assert not called.exists()


def test_no_module_of_the_sandbox_runs_docker_or_reads_the_hosts_firewall() -> None:
    """Host programs are called by name in argument lists, so the names are string constants."""
    programs = re.compile(r"(?:.*/)?(?:docker|dockerd|podman|nerdctl|iptables|ip6tables|brctl|nft)")
    offending = []
    for file in (CHECKOUT / "sandbox").rglob("*.py"):
        if "tests" in file.parts:
            continue
        for call in (node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)):
            parts = [*call.args, *(part for item in call.args if isinstance(item, ast.List) for part in item.elts)]
            words = [part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)]
            if any(programs.fullmatch(word) for word in words) and "netns" not in words:
                offending.append(f"{file.relative_to(CHECKOUT)}:{call.lineno}: {words}")
    assert offending == []
