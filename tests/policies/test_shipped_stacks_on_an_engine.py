"""The program itself with its own stack files, previewed by the real engine with the pack. AWS is on loopback."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests import sandbox_cli
from tests.components.settings.stack_files import CHECKOUT
from tests.policies.test_pack_on_an_engine import PACK, told
from tests.policies.test_shipped_stacks import STACKS
from tests.pulumi_project import Project, engine

pytestmark = pytest.mark.engine
__all__ = ["engine"]

BY_HAND = """
import pulumi_aws as aws

aws.vpc.SecurityGroupIngressRule(
    "by-hand", security_group_id="sg-1", ip_protocol="tcp", from_port=22, to_port=22, cidr_ipv4="0.0.0.0/0"
)
"""


@pytest.fixture
def program(engine: Mapping[str, str], tmp_path: Path) -> Iterator[Project]:
    """A copy of the program: the engine writes into stack files."""
    folder, stacks = tmp_path / "program", tmp_path / "stacks"
    folder.mkdir()
    stacks.mkdir()
    for name in ("Pulumi.yaml", "__main__.py"):
        shutil.copy(CHECKOUT / name, folder)
    for name in ("components", "stacks"):
        shutil.copytree(CHECKOUT / name, folder / name)
    (folder / ".venv").symlink_to(sys.prefix)
    with sandbox_cli.account() as account:
        yield Project(folder, {**engine, "PULUMI_BACKEND_URL": f"file://{stacks}", **account})


@pytest.mark.parametrize("stack", STACKS)
def test_the_preview_of_a_shipped_stack_passes(program: Project, stack: str) -> None:
    program.run("stack", "init", stack)
    printed = program.run("preview", "--stack", stack, "--policy-pack", PACK)
    assert {rule for _, rule, _ in told(printed)} <= {"exemptions-in-use"}, printed[-6000:]
    assert " to create" in printed


def test_what_is_added_by_hand_is_refused(program: Project) -> None:
    program.run("stack", "init", "education")
    with (program.folder / "__main__.py").open("a") as file:
        file.write(BY_HAND)
    printed = program.run("preview", "--stack", "education", "--policy-pack", PACK, ok=False)
    assert {(rule, name) for _, rule, name in told(printed)} == {
        ("ssh-is-not-open-to-the-world", "by-hand"),
        ("resources-are-tagged", "by-hand"),
    }
