from __future__ import annotations

import hashlib
import subprocess
import tarfile
from pathlib import Path

import pytest

from sandbox.internet import releases
from sandbox.toolchain.build import tool_named

VERSION = tool_named("etcd").version
FOLDER = f"github.com/etcd-io/etcd/releases/download/v{VERSION}"
NAME = f"etcd-v{VERSION}-linux-amd64"


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of programs that stands for the toolchain's."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for command in releases.ETCD_COMMANDS:
        (folder / command).write_bytes(f"program {command}".encode())
    monkeypatch.setattr(releases, "binary", lambda tool, command: folder / command)
    return folder


@pytest.mark.usefixtures("programs")
def test_the_archive_lies_where_upstream_has_it_and_holds_the_programs_below_its_own_name(tmp_path: Path) -> None:
    archive = releases.write_etcd_release(tmp_path / "site")
    assert archive == tmp_path / "site" / FOLDER / f"{NAME}.tar.gz"
    with tarfile.open(archive) as content:
        assert {item.name: (item.mode, item.uid) for item in content} == {
            f"{NAME}/{command}": (0o755, 0) for command in releases.ETCD_COMMANDS
        }


@pytest.mark.usefixtures("programs")
def test_the_list_of_sums_is_what_sha256sum_checks(tmp_path: Path) -> None:
    folder = releases.write_etcd_release(tmp_path / "site").parent
    said = subprocess.run(["sha256sum", "--check", "SHA256SUMS"], cwd=folder, capture_output=True, text=True)
    assert said.stdout == f"{NAME}.tar.gz: OK\n"


def test_the_same_programs_give_the_same_sum_and_others_another(programs: Path, tmp_path: Path) -> None:
    def checksum(site: str) -> str:
        return hashlib.sha256(releases.write_etcd_release(tmp_path / site).read_bytes()).hexdigest()

    first = checksum("first")
    assert checksum("second") == first
    (programs / "etcd").write_bytes(b"another program")
    assert checksum("third") != first
