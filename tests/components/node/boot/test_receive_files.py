"""A bundle is installed whole or not at all, only where this program may write, and removes older releases' files."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.delivery.bundle_writer import write_bundle
from components.kubeadm.documents import PATCHES
from components.node.boot.receive_files import obsolete, receive
from components.node.common import kubeadm, log
from components.node.common.bundle import BundledFile
from components.node.common.failure import Failure
from components.node.common.kubeadm import write_provider_id

ROOT = Path(__file__).parents[4]
PROGRAM = BundledFile("/opt/quorate/bin/quorate-node", "run\n", "0755")


@pytest.fixture(autouse=True)
def _machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(log, "LOGS", tmp_path / "logs")
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "root"


def at(root: Path, path: str) -> Path:
    return root / path.lstrip("/")


def put(root: Path, path: str, text: str = "old\n") -> Path:
    file = at(root, path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def test_files_are_installed_with_their_modes_and_named_but_not_shown(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = (
        BundledFile("/opt/quorate/bin/hello.sh", "echo 'a  b\t\\n' $HOME\n\n", "0755"),
        BundledFile("/etc/quorate/pki/ca.key", "%%% not a header of ours\nsecret\r\n", "0600"),
        BundledFile("/etc/quorate/empty", ""),
    )
    receive(write_bundle(files), root)
    for file in files:
        assert at(root, file.path).read_bytes().decode() == file.content
        assert f"{at(root, file.path).stat().st_mode & 0o7777:04o}" == file.mode
    printed = capsys.readouterr().out
    assert printed.count("installed /") == 3
    assert "secret" not in printed
    assert at(root, "/etc/quorate/pki").stat().st_mode & 0o777 == 0o700


def test_a_second_delivery_changes_nothing_and_prints_nothing(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = write_bundle([PROGRAM, BundledFile("/etc/quorate/node.env", "A=1\n")])
    receive(text, root)
    before = at(root, "/etc/quorate/node.env").stat()
    capsys.readouterr()
    receive(text, root)
    assert capsys.readouterr().out == ""
    assert at(root, "/etc/quorate/node.env").stat().st_ino == before.st_ino


@pytest.mark.parametrize("kept", range(7))
def test_a_delivery_that_is_cut_off_installs_and_removes_nothing(kept: int, root: Path) -> None:
    older = put(root, "/opt/quorate/bin/older.sh")
    lines = write_bundle([BundledFile("/opt/quorate/bin/a", "1\n2\n"), BundledFile("/etc/quorate/b", "3\n4\n")])
    lines_kept = lines.splitlines(True)[:kept]
    assert kept < len(lines.splitlines())
    with pytest.raises(Failure, match="nothing was installed"):
        receive("".join(lines_kept), root)
    assert [path for path in root.rglob("*") if path.is_file()] == [older]


def test_what_is_no_bundle_is_not_repeated_since_it_may_be_a_key(root: Path) -> None:
    with pytest.raises(Failure) as caught:
        receive("MIGHAgEAMBMGByqGSM49\n", root)
    assert "MIGH" not in str(caught.value)


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "/etc/quorate/../passwd", "/root/.ssh/authorized_keys", "/opt/quorate-other/x", "/etc/quorate//x"],
)
def test_a_path_that_is_not_the_programs_own_is_refused_with_all_that_came_along(path: str, root: Path) -> None:
    with pytest.raises(Failure, match=f"nothing was installed: {path} would be outside of /opt/quorate/"):
        receive(write_bundle([PROGRAM, BundledFile(path, "x\n")]), root)
    assert not root.exists()


@pytest.mark.parametrize(("path", "calls"), [("/etc/systemd/system/a.service", 1), ("/etc/quorate/a", 0)])
def test_systemd_reads_its_units_again_when_one_changed(
    path: str, calls: int, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    systemctl = put(tmp_path, "bin/systemctl", f'#!/bin/sh\necho "$*" >>{tmp_path}/calls\n')
    systemctl.chmod(0o755)
    (tmp_path / "calls").touch()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)
    for _ in range(2):
        receive(write_bundle([BundledFile(path, "x\n")]), root)
    assert (tmp_path / "calls").read_text().splitlines() == ["daemon-reload"] * calls


def test_files_of_an_older_release_go_and_nothing_else_does(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gone = [
        put(root, "/opt/quorate/bin/tend-workers.sh"),
        put(root, "/opt/quorate/lib/components/node/old.py"),
        put(root, "/opt/quorate/lib/components/node/__pycache__/old.cpython-311.pyc"),
        put(root, "/opt/quorate/share/old.conf"),
    ]
    stay = [
        put(root, "/opt/quorate/bin/receive-files.sh"),
        put(root, "/opt/quorate/share/patches/kubeletconfiguration-instance+merge.yaml"),
        put(root, "/opt/quorate/etcd-v3.6.14/etcd"),
        put(root, "/opt/quorate/other/file"),
        put(root, "/opt/quorate/lib/components/node/__pycache__/new.cpython-311.pyc"),
        put(root, "/etc/quorate/applied-kubeadm.yaml"),
        put(root, "/etc/systemd/system/other.service"),
    ]
    link = at(root, "/opt/quorate/bin/link")
    link.symlink_to(root / "etc/quorate")
    receive(write_bundle([PROGRAM, BundledFile("/opt/quorate/lib/components/node/new.py", "x\n")]), root)
    assert [path for path in gone if path.exists()] == []
    assert not link.is_symlink()
    assert all(path.exists() for path in stay)
    assert "removed /opt/quorate/bin/tend-workers.sh" in capsys.readouterr().out


def test_the_patch_that_a_machine_writes_itself_stays(tmp_path: Path) -> None:
    write_provider_id("aws:///a/i-0", tmp_path)
    (written,) = tmp_path.iterdir()
    path = f"{PATCHES}/{written.name}"
    assert str(kubeadm.PATCHES) == PATCHES, "where the documents have kubeadm look"
    assert obsolete([path], [f"{PATCHES}/other.yaml"]) == set()


def test_a_bundle_without_the_program_takes_none_of_it_away() -> None:
    assert obsolete(["/opt/quorate/bin/a.sh"], ["/etc/quorate/pki/ca.crt"]) == set()
    assert obsolete(["/opt/quorate/bin/a.sh"], ["/opt/quorate/bin/b.sh"]) == {"/opt/quorate/bin/a.sh"}


def test_it_replaces_the_very_files_that_it_runs_from(root: Path, tmp_path: Path) -> None:
    library = root / "opt/quorate/lib"
    shutil.copytree(ROOT / "components/node", library / "components/node", ignore=shutil.ignore_patterns("__pycache__"))
    put(root, "/opt/quorate/bin/older.sh")
    text = write_bundle([PROGRAM, BundledFile("/opt/quorate/lib/components/node/common/log.py", "broken = (\n")])
    program = "import sys; from components.node.boot.receive_files import receive; from pathlib import Path;"
    outcome = subprocess.run(
        [sys.executable, "-c", f"{program} receive(sys.stdin.read(), Path(sys.argv[1]))", str(root)],
        input=text, capture_output=True, text=True, timeout=30, cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(library), "QUORATE_LOGS": str(tmp_path / "logs")},
    )  # fmt: skip
    assert outcome.returncode == 0, outcome.stderr
    left = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file() and path.suffix != ".pyc"}
    assert left == {"opt/quorate/bin/quorate-node", "opt/quorate/lib/components/node/common/log.py"}
