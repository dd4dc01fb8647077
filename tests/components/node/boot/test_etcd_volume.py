"""The etcd volume: what may be formatted, and that a file system with data never is. Real file systems, in files."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from components.node.boot.etcd_volume import (
    FINISHED,
    UNFINISHED,
    Content,
    Verdict,
    content_of_device,
    device_names,
    grow,
    judge,
    prepare,
)
from components.node.common import log
from components.node.common.failure import Failure

# Debian has these for root alone on its PATH.
PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"
needs_programs = pytest.mark.skipif(
    not all(shutil.which(name, path=PATH) for name in ("mkfs.ext4", "e2fsck", "resize2fs", "blkid")),
    reason="needs e2fsprogs and blkid",
)
MIB = 1024**2


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A blank one of 8 MiB."""
    monkeypatch.setattr(log, "LOGS", tmp_path / "logs")
    monkeypatch.setenv("PATH", PATH)
    disk = tmp_path / "disk"
    resize(disk, 8 * MIB)
    return disk


def resize(disk: Path, size: int) -> None:
    disk.touch()
    os.truncate(disk, size)


def program(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize(
    ("content", "verdict"),
    [
        (Content(), Verdict.BLANK),
        (Content("ext4", UNFINISHED), Verdict.BLANK),
        (Content("", UNFINISHED), Verdict.BLANK),
        (Content("ext4", FINISHED), Verdict.READY),
        (Content("xfs", FINISHED), Verdict.FOREIGN),
        (Content("ext4", ""), Verdict.FOREIGN),
        (Content("ext4", "data"), Verdict.FOREIGN),
        (Content("", "", "gpt"), Verdict.FOREIGN),
        (Content("", "label"), Verdict.FOREIGN),
    ],
)
def test_only_what_is_blank_or_was_never_finished_may_be_formatted(content: Content, verdict: Verdict) -> None:
    assert judge(content) is verdict


def test_a_volume_is_looked_for_by_its_serial_number_and_by_its_old_names() -> None:
    assert [str(name) for name in device_names("vol-0a-1")] == [
        "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0a-1",
        "/dev/sdf",
        "/dev/xvdf",
    ]


@needs_programs
def test_a_blank_volume_is_formatted_once(disk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    prepare(disk, "vol-1")
    assert content_of_device(disk) == Content("ext4", FINISHED)
    assert "formatting blank volume vol-1" in capsys.readouterr().out
    identity = program("blkid", "--probe", "--match-tag", "UUID", str(disk))
    prepare(disk, "vol-1")
    assert program("blkid", "--probe", "--match-tag", "UUID", str(disk)) == identity
    assert capsys.readouterr().out == ""


@needs_programs
def test_a_formatting_that_was_cut_off_is_done_again(disk: Path) -> None:
    program("mkfs.ext4", "-q", "-F", "-L", UNFINISHED, str(disk))
    prepare(disk, "vol-1")
    assert content_of_device(disk) == Content("ext4", FINISHED)


@needs_programs
def test_a_foreign_file_system_is_refused_by_its_label_and_left_alone(disk: Path) -> None:
    program("mkfs.ext4", "-q", "-F", "-L", "my data's", str(disk))
    before = disk.read_bytes()
    with pytest.raises(Failure, match=r"vol-1 .* type ext4, labelled 'my data's', .*; nothing was changed.*wipefs"):
        prepare(disk, "vol-1")
    assert disk.read_bytes() == before


@needs_programs
def test_a_disk_with_partitions_is_no_blank_one(disk: Path) -> None:
    # The signature of a DOS partition table, and one entry: Linux, from sector 2048.
    record = bytearray(512)
    record[446:462] = bytes([0, 0, 0, 0, 0x83, 0, 0, 0]) + (2048).to_bytes(4, "little") + (4096).to_bytes(4, "little")
    record[510:] = b"\x55\xaa"
    disk.write_bytes(bytes(record) + disk.read_bytes()[512:])
    with pytest.raises(Failure, match=r"holds a partition table \(dos\)"):
        prepare(disk, "vol-1")


@needs_programs
def test_a_larger_volume_gets_a_larger_file_system(disk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    prepare(disk, "vol-1")
    capsys.readouterr()
    resize(disk, 16 * MIB)
    prepare(disk, "vol-1")
    assert "the file system is now " in capsys.readouterr().out
    grow(disk)
    assert capsys.readouterr().out == "", "it is as large as it can be"


@needs_programs
def test_a_damage_beyond_automatic_repair_needs_a_person(disk: Path) -> None:
    prepare(disk, "vol-1")
    # The root folder is no folder any more.
    program("debugfs", "-w", "-R", "clri <2>", str(disk))
    with pytest.raises(Failure, match=r"the file system on .* needs repair by hand: e2fsck ended with \d+"):
        prepare(disk, "vol-1")


def test_a_device_that_blkid_cannot_read_is_not_taken_for_blank(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blkid = tmp_path / "blkid"
    blkid.write_text("#!/bin/sh\nexit 8\n")
    blkid.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    with pytest.raises(Failure, match=r"not clear \(blkid ended with 8\)"):
        content_of_device(tmp_path / "disk")
