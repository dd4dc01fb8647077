"""local.Command and local.run, run by the real engine."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from sandbox.tests.engine.processes import interrupted
from tests.pulumi_project import Project

pytestmark = pytest.mark.engine

LIFE = """
    import pulumi
    from pulumi_command import local
    one = local.Command("one", create="echo created >> {log}; echo first; echo more >&2",
        update='echo "updated after $PULUMI_COMMAND_STDOUT/$PULUMI_COMMAND_STDERR" | tee -a {log}',
        stdin={stdin!r}, triggers=[{trigger!r}])
    pulumi.export("stdout", one.stdout)
    pulumi.export("stderr", one.stderr)
"""


def test_create_and_update_run_their_commands_with_the_last_output_and_a_removal_runs_none(project: Project) -> None:
    log = project.folder / "log"
    project.up(LIFE.format(log=log, stdin="a", trigger="1"))
    assert (project.output("stdout"), project.output("stderr")) == ("first", "more")
    project.up(LIFE.format(log=log, stdin="b", trigger="1"))
    assert project.output("stdout") == "updated after first/more"
    project.run("destroy", "--yes")
    assert log.read_text().splitlines() == ["created", "updated after first/more"]


def test_without_a_change_nothing_runs(project: Project) -> None:
    log = project.folder / "log"
    project.up(LIFE.format(log=log, stdin="a", trigger="1"))
    assert project.preview()["one"] == "same"
    project.up()
    project.run("refresh", "--yes", "--expect-no-changes")
    assert log.read_text() == "created\n"


def test_a_trigger_replaces_and_create_runs_again(project: Project) -> None:
    log = project.folder / "log"
    project.up(LIFE.format(log=log, stdin="a", trigger="1"))
    before = project.resources()["one"]["id"]
    assert "replace" in project.preview(LIFE.format(log=log, stdin="a", trigger="2"))["one"]
    project.up()
    assert log.read_text().splitlines() == ["created", "created"]
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
        one = local.Command("one", create="cat | wc -c", stdin=pulumi.Output.secret("hidden-text"))
    """)
    assert "hidden-text" not in project.run("stack", "export")
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


def test_a_command_that_a_signal_ended_says_so(project: Project) -> None:
    printed = project.up("from pulumi_command import local\nlocal.Command('one', create='kill -9 $$')\n", ok=False)
    assert "signal: killed: running " in printed


@pytest.mark.parametrize(
    ("arguments", "refused"),
    [
        ('local.Command("one", create="touch ran", dir="/")', "dir: the sandbox does not serve it"),
        (
            'remote.CopyToRemote("one", connection={"host": "h"}, source=pulumi.StringAsset("x"), remote_path="/")',
            "not the resource type command:remote:CopyToRemote",
        ),
        ('local.run(command="touch ran")', "not the function command:local:run"),
    ],
)
def test_what_is_not_served_is_refused_by_name(project: Project, arguments: str, refused: str) -> None:
    printed = project.up(f"import pulumi\nfrom pulumi_command import local, remote\n{arguments}\n", ok=False)
    assert refused in printed
    assert not (project.folder / "ran").exists()


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


def test_a_command_is_killed_when_its_time_is_over_and_what_holds_its_output_is_waited_for(project: Project) -> None:
    began = time.monotonic()
    printed = project.up(
        """
        import pulumi
        from pulumi_command import local
        local.Command("one", create="sleep 6 & exec sleep 300",
            opts=pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(create="1s")))
        """,
        ok=False,
    )
    assert "signal: killed: running " in printed
    assert time.monotonic() - began > 6


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
