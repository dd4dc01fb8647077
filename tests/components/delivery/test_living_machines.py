"""Machines of the release before have its receiver only: what this one delivers first must be to its liking."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from components.delivery.bundle_writer import write_bundle
from components.delivery.node_files import role_files
from components.node.common.bundle import BundledFile
from components.plan import Role

CHECKOUT = Path(__file__).parents[3]
RECEIVER = CHECKOUT / "tests" / "previous_release"
BIN = Path("opt/quorate/bin")
LIBRARY = "/opt/quorate/lib"


def delivered(role: Role) -> dict[str, BundledFile]:
    """All files that a machine of the role gets, and the whole node program, by path."""
    modules = sorted((CHECKOUT / "components" / "node").rglob("*.py"))
    program = [BundledFile(f"{LIBRARY}/{module.relative_to(CHECKOUT)}", module.read_text()) for module in modules]
    files = [BundledFile(file.path, file.content, file.mode) for file in role_files(role, etcd_volume=True)]
    return {file.path: file for file in (*program, *files)}


@pytest.fixture
def living_machine(tmp_path: Path) -> Path:
    """The root of a machine with the earlier receiver at its place, and a systemctl that can reload."""
    folder = tmp_path / BIN
    folder.mkdir(parents=True)
    for script in RECEIVER.glob("*.sh"):
        Path(shutil.copy(script, folder)).chmod(0o755)
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "systemctl").write_text(f'#!/bin/sh\necho "$@" >>{tmp_path}/systemctl.log\n')
    (programs / "systemctl").chmod(0o755)
    return tmp_path


@pytest.mark.parametrize("role", [Role.ETCD, Role.CONTROL_PLANE])
def test_the_receiver_of_the_release_before_installs_every_file_that_is_delivered(
    role: Role, living_machine: Path
) -> None:
    files = delivered(role)
    outcome = subprocess.run(
        [str(living_machine / BIN / "receive-files.sh")],
        input=write_bundle(files.values()), capture_output=True, text=True, timeout=60,
        env={
            "PATH": f"{living_machine / 'programs'}{os.pathsep}{os.environ['PATH']}",
            "QUORATE_ETC": str(living_machine / "etc/quorate"),
            "DESTINATION_ROOT": str(living_machine),
        },
    )  # fmt: skip
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    for path, file in files.items():
        installed = living_machine / path.lstrip("/")
        assert installed.read_text() == file.content, path
        assert oct(installed.stat().st_mode)[-4:] == file.mode, path
    assert f"/{BIN}/receive-files.sh" in files, "the receiver, which was replaced while it ran"
    assert (living_machine / "systemctl.log").read_text() == "daemon-reload\n"
