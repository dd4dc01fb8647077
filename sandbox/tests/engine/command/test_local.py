"""local.Command and local.run, run by the real engine."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from sandbox.tests.engine.conftest import Project
from sandbox.tests.engine.processes import interrupted

pytestmark = pytest.mark.engine

LIFE = """
    import pulumi
    from pulumi_command import local
    one = local.Command("one", create="echo created >> {log}; echo first; echo more >&2",
        update='echo "updated after $PULUMI_COMMAND_STDOUT/$PULUMI_COMMAND_STDERR" | tee -a {log}',
        delete='echo "deleted $NAME after $PULUMI_COMMAND_STDOUT" >> {log}',
        environment={{"NAME": {name!r}}}, triggers=[{trigger!r}])
    pulumi.export("stdout", one.stdout)
    pulumi.export("stderr", one.stderr)
"""


def test_create_update_and_delete_run_their_commands_with_the_last_output(project: Project) -> None:
    log = project.folder / "log"
    project.up(LIFE.format(log=log, name="a", trigger="1"))
    assert (project.output("stdout"), project.output("stderr")) == ("first", "more")
    project.up(LIFE.format(log=log, name="b", trigger="1"))
    assert project.output("stdout") == "updated after first/more"
    project.run("destroy", "--yes")
    assert log.read_text().splitlines() == [
        "created",
        "updated after first/more",
        "deleted b after updated after first/more",
    ]


def test_without_a_change_nothing_runs(project: Project) -> None:
    log = project.folder / "log"
    project.up(LIFE.format(log=log, name="a", trigger="1"))
    assert project.preview()["one"] == "same"
    project.up()
    project.run("refresh", "--yes", "--expect-no-changes")
    assert log.read_text() == "created\n"


def test_a_trigger_replaces_and_the_old_delete_runs_last(project: Project) -> None:
    log = project.folder / "log"
    project.up(LIFE.format(log=log, name="a", trigger="1"))
    before = project.resources()["one"]["id"]
    program = LIFE.format(log=log, name="b", trigger="2")
    assert "replace" in project.preview(program)["one"]
    project.up()
    assert log.read_text().splitlines() == ["created", "created", "deleted a after first"]
    after = project.resources()["one"]["id"]
    assert before != after
    assert after.startswith("one")


def test_previews_run_nothing_and_leave_results_unknown(project: Project) -> None:
    program = """
        import pulumi
        from pulumi_command import local
        one = local.Command("one", create="touch made; echo out")
        two = local.Command("two", create=pulumi.Output.concat("echo two ", one.stdout), stdin="kept")
        pulumi.export("two", two.stdout)
        pulumi.export("stdin", two.stdin)
    """
    project.write(program)
    printed = project.run("preview", "--diff")
    assert "[unknown]" in printed
    assert 'stdin: "kept"' in printed
    assert not (project.folder / "made").exists()
    project.up()
    assert project.output("two") == "two out"


def test_an_update_preview_keeps_results_unless_an_input_changes(project: Project) -> None:
    program = """
        import pulumi
        from pulumi_command import local
        one = local.Command("one", create="echo {text}")
        two = local.Command("two", create=pulumi.Output.concat("echo two ", one.stdout))
    """
    project.up(program.format(text="a"))
    assert project.preview() == {"probe-test": "same", "one": "same", "two": "same"}
    assert project.preview(program.format(text="b")) == {"probe-test": "same", "one": "update", "two": "update"}


def test_secret_inputs_stay_secret_and_results_are_plain(project: Project) -> None:
    project.up("""
        import pulumi
        from pulumi_command import local
        one = local.Command("one", create="cat | wc -c", stdin=pulumi.Output.secret("hidden-text"),
            environment={"PLAIN": "visible", "HIDDEN": pulumi.Output.secret("hidden-too")})
    """)
    exported = project.run("stack", "export")
    assert "hidden" not in exported.replace("HIDDEN", "")
    state = project.resources()["one"]
    assert "ciphertext" in state["inputs"]["stdin"]
    assert "ciphertext" in state["outputs"]["stdin"]
    assert state["outputs"]["stdout"] == "11"


def test_a_failing_command_is_reported_with_all_its_output_and_leaves_no_resource(project: Project) -> None:
    printed = project.up(
        """
        from pulumi_command import local
        local.Command("one", create='echo "to out"; echo to err >&2; exit 3')
        """,
        ok=False,
    )
    assert 'exit status 3: running "echo \\"to out\\"; echo to err >&2; exit 3":' in printed
    assert "to out" in printed
    assert "to err" in printed
    assert "one" not in project.resources()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ('create="true", dir="/no/such/folder"', "chdir /no/such/folder: no such file or directory"),
        ('create="true", interpreter=["/no/shell"]', "fork/exec /no/shell: no such file or directory"),
        ('create="true", interpreter=["no-such-shell"]', 'exec: "no-such-shell": executable file not found in $PATH'),
        ("create='kill -9 $$'", "signal: killed"),
    ],
)
def test_a_command_that_cannot_run_says_why(project: Project, arguments: str, reason: str) -> None:
    program = f"from pulumi_command import local\nlocal.Command('one', {arguments})\n"
    assert f"{reason}: running " in project.up(program, ok=False)


def test_wrong_inputs_are_refused_before_anything_runs(project: Project) -> None:
    printed = project.up(
        """
        import pulumi
        class Odd(pulumi.CustomResource):
            def __init__(self, name, props):
                super().__init__("command:local:Command", name, props)
        Odd("one", {"create": 5, "sudo": True})
        """,
        ok=False,
    )
    assert "Field 'create' on 'local.CommandInputs' must be a 'string'; got 'float64' instead" in printed
    assert "Unrecognized field 'sudo' on 'local.CommandInputs'" in printed


@pytest.mark.parametrize(
    ("logging", "expected"),
    [("STDOUT", {"to-out"}), ("STDERR", {"to-err"}), ("NONE", set()), (None, {"to-out", "to-err"})],
)
def test_logging_decides_which_lines_are_shown(project: Project, logging: str | None, expected: set[str]) -> None:
    value = f"local.Logging.{logging}" if logging else "None"
    printed = project.up(
        f"from pulumi_command import local\nlocal.Command('one', logging={value}, "
        "create='printf %s-%s to out; echo; printf %s-%s to err >&2')\n"
    )
    assert {word for word in ("to-out", "to-err") if word in printed} == expected


def test_globs_return_assets_and_an_archive(project: Project) -> None:
    (project.folder / "made").mkdir()
    program = """
        import pulumi
        from pulumi_command import local
        one = local.Command("one", create="mkdir -p a/b; echo x > a/b/x.txt; echo y > a/y.txt; echo s > a/secret.txt",
            dir="made", asset_paths=["a/**.txt", "!**secret.*"], archive_paths=["a/*.txt"])
        pulumi.export("assets", one.assets.apply(lambda assets: sorted(assets)))
        pulumi.export("archive", one.archive.apply(lambda archive: sorted(archive.assets)))
    """
    project.up(program)
    assert project.output("assets") == ["a/b/x.txt", "a/y.txt"]
    assert project.output("archive") == ["a/secret.txt", "a/y.txt"]
    assert project.preview()["one"] == "same"


def test_run_runs_at_every_preview_and_returns_its_output(project: Project) -> None:
    project.write("""
        import pulumi
        from pulumi_command import local
        pulumi.export("said", local.run(command="echo again >> ran; cat", stdin="from stdin").stdout)
    """)
    project.run("preview")
    project.up()
    assert project.output("said") == "from stdin"
    assert (project.folder / "ran").read_text() == "again\nagain\n"


def test_an_imported_command_has_the_state_that_it_is_given(project: Project) -> None:
    project.write("")
    project.run("import", "command:local:Command", "one", "an-id", "--yes", "--generate-code=false", "--protect=false")
    assert project.resources()["one"]["id"] == "an-id"
    assert project.resources()["one"].get("outputs", {}) == {}


def test_commands_run_in_parallel(project: Project) -> None:
    # Each waits for all the others: one after another they would never end.
    project.up(
        """
        from pulumi_command import local
        for number in range(12):
            local.Command(f"c{number}", create=f"touch at-{number}; timeout 30 sh -c "
                "'until test $(ls | grep -c at-) = 12; do sleep 0.1; done'")
    """,
        "--parallel",
        "12",
    )


def test_interrupting_ends_the_command_and_what_it_left_can_be_finished(project: Project) -> None:
    program = """
        from pulumi_command import local
        local.Command("one", create="echo $$ > pid; {wait}")
    """
    project.write(program.format(wait="exec sleep 300"))
    running = project.start("up", "--yes", "--skip-preview")
    pid = _eventually(project.folder / "pid")
    printed = interrupted(running)
    assert running.returncode != 0, printed
    assert not Path(f"/proc/{pid}").exists(), "the command outlived the update"
    project.up(program.format(wait="echo done"))
    assert "one" in project.resources()


def test_a_plugin_killed_in_the_middle_fails_the_update_and_the_next_one_finishes(project: Project) -> None:
    program = """
        from pulumi_command import local
        local.Command("one", create="{what}")
    """
    printed = project.up(program.format(what="kill -9 $PPID; sleep 1"), ok=False)
    assert "exited prematurely" in printed
    project.up(program.format(what="echo done"))
    assert project.resources()["one"]["outputs"]["stdout"] == "done"


def _eventually(file: Path, seconds: float = 30) -> str:
    deadline = time.monotonic() + seconds
    while not (file.exists() and file.read_text().strip()):
        assert time.monotonic() < deadline, f"{file} was not written within {seconds} s"
        time.sleep(0.05)
    return file.read_text().strip()
