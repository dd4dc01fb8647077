"""What the host is, found out from mounts, folders and trials, and without a look at anything of Docker's."""

from __future__ import annotations

import ast
import errno
import os
import re
import stat
import subprocess
import tempfile
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


def test_a_trial_that_crashes_is_a_refusal_with_its_last_words(monkeypatch: pytest.MonkeyPatch) -> None:
    crashed = subprocess.CompletedProcess([], 1, "", "Traceback\nMemoryError: out of it\n")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: crashed)
    assert list(trials.refusals().values()) == ["MemoryError: out of it"]


def test_trials_name_each_refusal_and_leave_no_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def refuse_all_but_the_first(name: str, *_: object) -> None:
        asked.append(name)
        if len(asked) > 2:
            raise OSError(errno.EPERM, f"{name}: Operation not permitted")

    before = set(Path(tempfile.gettempdir()).glob("quorate-trial-*"))
    monkeypatch.setattr(trials, "_call", refuse_all_but_the_first)
    monkeypatch.setattr(trials, "_find_loop_device", lambda: None)
    answers = trials._try_all()
    assert list(answers) == ["an overlay mount", "a network namespace", "a process namespace"]
    assert "unshare: Operation not permitted" in answers["a network namespace"]
    assert set(Path(tempfile.gettempdir()).glob("quorate-trial-*")) == before


def test_without_a_mount_namespace_nothing_is_mounted(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def refuse(name: str, *_: object) -> None:
        asked.append(name)
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(trials, "_call", refuse)
    assert list(trials._try_all()) == ["a mount namespace"]
    assert asked == ["unshare"]


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
