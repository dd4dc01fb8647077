"""remote.CopyToRemote and remote.CopyFile against a real sshd."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.tests.engine.command.conftest import Host
from sandbox.tests.engine.conftest import Project

pytestmark = pytest.mark.engine


def program(host: Host, source: str, target: Path | str, more: str = "") -> str:
    return f"""
import pulumi
from pulumi_command import remote
connection = remote.ConnectionArgs({host.connection()})
remote.CopyToRemote("one", connection=connection, source={source}, remote_path="{target}"{more})
"""


def test_a_file_is_copied_with_missing_folders_and_again_when_it_changes(project: Project, host: Host) -> None:
    (project.folder / "source").write_text("one")
    target = project.folder / "new" / "deep" / "target"
    source = 'pulumi.FileAsset("source")'
    project.up(program(host, source, target))
    assert target.read_text() == "one"
    target.write_text("changed by someone")
    project.up()
    assert target.read_text() == "changed by someone", "copied again without a change"
    (project.folder / "source").write_text("two")
    assert project.preview()["one"] == "update"
    project.up()
    assert target.read_text() == "two"
    project.run("destroy", "--yes")
    assert target.read_text() == "two"


def test_a_text_is_written_to_a_file_and_refused_for_a_folder(project: Project, host: Host) -> None:
    target = project.folder / "text"
    project.up(program(host, 'pulumi.StringAsset("hello")', target))
    assert target.read_text() == "hello"
    printed = project.up(program(host, 'pulumi.StringAsset("hello again")', project.folder), ok=False)
    assert f"remote path {project.folder} is a directory; when using a text asset" in printed


def test_a_file_goes_into_a_folder_that_is_there(project: Project, host: Host) -> None:
    (project.folder / "source").write_text("one")
    (project.folder / "there").mkdir()
    project.up(program(host, 'pulumi.FileAsset("source")', project.folder / "there"))
    assert (project.folder / "there" / "source").read_text() == "one"


@pytest.mark.parametrize(("slash", "there"), [("", "tree/"), ("/", "")])
def test_a_folder_is_copied_with_or_without_its_name(project: Project, host: Host, slash: str, there: str) -> None:
    (project.folder / "tree" / "sub").mkdir(parents=True)
    (project.folder / "tree" / "a").write_text("a")
    (project.folder / "tree" / "sub" / "b").write_text("b")
    target = project.folder / "target"
    project.up(program(host, f'pulumi.FileArchive("tree{slash}")', target))
    assert (target / there / "a").read_text() == "a"
    assert (target / there / "sub" / "b").read_text() == "b"


def test_a_source_that_is_no_file_is_refused_before_anything_is_copied(project: Project, host: Host) -> None:
    source = 'pulumi.AssetArchive({"x": pulumi.StringAsset("y")})'
    printed = project.up(program(host, source, project.folder / "x"), ok=False)
    assert "archive must be a path to a file or directory" in printed


def test_a_trigger_replaces_a_copy(project: Project, host: Host) -> None:
    target = project.folder / "text"
    project.up(program(host, 'pulumi.StringAsset("x")', target, ', triggers=["1"]'))
    target.unlink()
    assert "replace" in project.preview(program(host, 'pulumi.StringAsset("x")', target, ', triggers=["2"]'))["one"]
    project.up()
    assert target.read_text() == "x"


def test_copy_file_is_replaced_by_any_change(project: Project, host: Host) -> None:
    (project.folder / "source").write_text("one")
    text = f"""
import pulumi
from pulumi_command import remote
connection = remote.ConnectionArgs({host.connection()})
remote.CopyFile("one", connection=connection, local_path="source", remote_path="{project.folder}/{{name}}")
"""
    project.up(text.format(name="a"))
    assert (project.folder / "a").read_text() == "one"
    assert "replace" in project.preview(text.format(name="b"))["one"]
