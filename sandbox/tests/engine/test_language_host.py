"""The Python language host, as the real engine uses it."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pytest

from sandbox.tests.engine.processes import interrupted
from tests.pulumi_project import Project

pytestmark = pytest.mark.engine

PACK = """
from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy

def no_root(args, report):
    if "sudo" in (args.props.get("create") or ""):
        report("commands must not use sudo")

PolicyPack("rules", [ResourceValidationPolicy("no-sudo", "No sudo.", no_root, EnforcementLevel.MANDATORY)])
"""


def test_a_program_gets_its_configuration_and_its_stack(project: Project) -> None:
    project.run("config", "set", "plain", "a b")
    project.run("config", "set", "--secret", "hidden", "c")
    project.up("""
        import pulumi
        config = pulumi.Config()
        pulumi.export("plain", config.require("plain"))
        pulumi.export("hidden", config.require_secret("hidden"))
        pulumi.export("stack", f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}")
        pulumi.export("dry", pulumi.runtime.is_dry_run())
    """)
    assert project.output("plain") == "a b"
    assert project.output("hidden") == "c"
    assert project.output("stack") == "organization/probe/test"
    assert project.output("dry") is False
    assert "[secret]" in project.run("stack", "output")


def test_what_a_program_prints_is_shown(project: Project) -> None:
    printed = project.up("import sys\nprint('to out')\nprint('to err', file=sys.stderr)\n")
    assert "to out" in printed
    assert "to err" in printed


def test_an_exception_in_a_program_is_shown_with_its_place(project: Project) -> None:
    printed = project.up("def broken():\n    raise ValueError('no such zone')\n\nbroken()\n", ok=False)
    assert "no such zone" in printed
    assert "__main__.py" in printed
    assert "broken()" in printed


def test_a_program_that_exits_is_reported_with_its_code(project: Project) -> None:
    assert "program exited with non-zero exit code: 7" in project.up("import os\nos._exit(7)\n", ok=False)


def test_the_virtualenv_is_found_relative_to_the_project(project: Project) -> None:
    (project.folder / "env").symlink_to(sys.prefix)
    _set_runtime(project.folder, {"virtualenv": "env"})
    project.up("import os, sys, pulumi\npulumi.export('prefix', os.environ['VIRTUAL_ENV'])\n")
    assert project.output("prefix") == str(project.folder / "env")


def test_a_missing_virtualenv_is_an_error_that_says_what_to_do(project: Project) -> None:
    _set_runtime(project.folder, {"virtualenv": "nowhere"})
    printed = project.up("", ok=False)
    assert "the 'virtualenv' option is set to 'nowhere'" in printed
    assert f"python3 -m venv {project.folder / 'nowhere'}" in printed


def test_an_option_that_is_not_modelled_is_an_error_that_names_it(project: Project) -> None:
    _set_runtime(project.folder, {"virtualenv": sys.prefix, "toolchain": "poetry"})
    assert "toolchain: found 'poetry'; only `pip` is modelled" in project.up("", ok=False)


def test_a_mandatory_policy_stops_the_preview(project: Project, tmp_path: Path) -> None:
    pack = tmp_path / "pack"
    pack.mkdir()
    (pack / "env").symlink_to(sys.prefix)
    runtime = {"name": "python", "options": {"virtualenv": "env"}}
    (pack / "PulumiPolicy.yaml").write_text(json.dumps({"runtime": runtime}))
    (pack / "__main__.py").write_text(PACK)
    project.write("from pulumi_command import local\nlocal.Command('one', create='sudo true')\n")
    printed = project.run("preview", "--policy-pack", str(pack), ok=False)
    assert "commands must not use sudo" in printed
    project.write("from pulumi_command import local\nlocal.Command('one', create='true')\n")
    project.run("preview", "--policy-pack", str(pack))


def test_a_policy_pack_without_its_virtualenv_is_an_error_that_names_it(project: Project, tmp_path: Path) -> None:
    runtime = {"name": "python", "options": {"virtualenv": "x"}}
    (tmp_path / "PulumiPolicy.yaml").write_text(json.dumps({"runtime": runtime}))
    (tmp_path / "__main__.py").write_text(PACK)
    project.write("")
    printed = project.run("preview", "--policy-pack", str(tmp_path), ok=False)
    assert f"{tmp_path / 'x'} doesn't exist" in printed


def test_interrupting_ends_a_program_that_runs(project: Project) -> None:
    project.write("import os, time\nopen('pid', 'w').write(str(os.getpid()))\ntime.sleep(300)\n")
    running = project.start("preview")
    file = project.folder / "pid"
    deadline = time.monotonic() + 30
    while not (file.exists() and file.read_text()):
        assert time.monotonic() < deadline, "the program did not start"
        time.sleep(0.05)
    interrupted(running)
    assert running.returncode != 0
    assert not Path(f"/proc/{file.read_text()}").exists(), "the program outlived the preview"


def test_what_is_not_known_yet_is_not_computed_with_in_a_preview(project: Project) -> None:
    project.write("""
        import pulumi
        from pulumi_command import local
        one = local.Command("one", create="echo known")
        pulumi.export("said", one.stdout.apply(lambda said: open("computed", "w").write(said)))
    """)
    project.run("preview")
    assert not (project.folder / "computed").exists()
    project.up()
    assert (project.folder / "computed").read_text() == "known"
    assert project.preview()["one"] == "same"


def test_what_is_computed_from_a_secret_is_secret(project: Project) -> None:
    project.up("""
        import pulumi
        pulumi.export("made", pulumi.Output.secret("hunter2").apply(lambda word: word.upper()))
    """)
    assert project.output("made") == "HUNTER2"
    assert "HUNTER2" not in project.run("stack", "export") + project.run("stack", "output")


def test_many_resources_are_registered_at_once(project: Project) -> None:
    project.up("""
        import pulumi
        parts = [pulumi.ComponentResource("probe:index:Part", f"part-{number}") for number in range(150)]
        pulumi.export("urns", pulumi.Output.all(*[part.urn for part in parts]).apply(lambda urns: len(set(urns))))
    """)
    assert project.output("urns") == 150
    assert len([name for name in project.resources() if name.startswith("part-")]) == 150


@pytest.mark.parametrize("victim", ["os.getpid()", "os.getppid()"], ids=["program", "language host"])
def test_after_a_kill_in_the_middle_up_fails_and_the_next_one_finishes(project: Project, victim: str) -> None:
    program = """
        import os, pulumi
        from pulumi_command import local
        one = local.Command("one", create="echo done")
        pulumi.export("said", one.stdout.apply(lambda said: {then} or said))
    """
    printed = project.up(program.format(then=f"os.kill({victim}, 9)"), ok=False)
    assert "error" in printed
    project.up(program.format(then="None"))
    assert project.output("said") == "done"


def test_the_engine_learns_which_plugins_the_installed_sdks_need(project: Project) -> None:
    about = json.loads(project.run("about", "--json"))
    plugins = {plugin["name"]: plugin["version"] for plugin in about["plugins"]}
    assert plugins["command"] == "1.2.1"
    assert plugins["aws"] == "7.51.1"


def test_what_the_host_does_not_serve_is_an_error_that_names_it(project: Project) -> None:
    printed = project.run("package", "gen-sdk", "command", "--language", "python", ok=False)
    assert "the sandbox's stand-in for pulumi-language-python does not serve GeneratePackage" in printed
    printed = project.run("install", ok=False)
    assert "the sandbox's stand-in for pulumi-language-python does not serve InstallDependencies" in printed


def _set_runtime(folder: Path, options: dict[str, str]) -> None:
    runtime = {"name": "python", "options": options}
    (folder / "Pulumi.yaml").write_text(json.dumps({"name": "probe", "runtime": runtime}))
