"""A comment made of what the real engine previews."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from components.settings.encode import plain
from operations.cli import main
from operations.errors import OperationFailed
from operations.preview.comment import comment
from operations.preview.review import Verdict, review
from operations.preview.run import run_preview
from pricing.topology import topology
from tests.operations.preview.digests import machine_bundle
from tests.operations.stacks import EDUCATION, settings
from tests.pulumi_project import Project, engine, project  # noqa: F401

pytestmark = pytest.mark.engine

PROGRAM = """
import json
import pulumi
from pulumi_command import local

given = json.load(open("given.json"))
configure = "cat > /dev/null || /opt/quorate/bin/quorate-node configure-control-plane"
local.Command("education-control-plane-0-configure", create=configure, update=configure, stdin=given["bundle"])
local.Command("education-control-plane-0-pki", create="cat > /dev/null", stdin=pulumi.Output.secret("of a key"))
pulumi.export("settings", given["settings"])
pulumi.export("kubeconfig", pulumi.Output.secret("of an operator"))
"""
PACK = """
from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy

def small_kubelets(args, report):
    if "maxPods: 60" in (args.props.get("stdin") or ""):
        report("60 pods are too few. Set kubelet.maxPods to 110.")

PolicyPack("rules", [ResourceValidationPolicy("kubelets", "Pods.", small_kubelets, EnforcementLevel.MANDATORY)])
"""


def write(project: Project, **changes: dict[str, object]) -> None:  # noqa: F811
    """The program's input and configuration for the education stack with changed settings."""
    chosen = settings(EDUCATION, **changes)
    given = {"bundle": machine_bundle(chosen, topology(chosen).machines[0]), "settings": plain(chosen)}
    (project.folder / "given.json").write_text(json.dumps(given))
    groups = plain(chosen)
    groups["etcd"] = {"topology": "stacked", "volumeGib": 20}
    config = {"aws:region": "eu-central-1", **{f"quorate:{group}": value for group, value in groups.items()}}
    stack_file = project.folder / "Pulumi.test.yaml"
    stack_file.write_text(json.dumps({**yaml.safe_load(stack_file.read_text()), "config": config}))


@pytest.fixture
def running(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:  # noqa: F811
    """The education stack's configure step, applied once; `pulumi` is found as an operator would."""
    for name, value in project.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(project.folder)
    write(project)
    project.up(PROGRAM)
    return project


def test_the_lines_that_change_and_what_they_interrupt_come_from_the_engine(running: Project) -> None:
    write(running, kubelet={"maxPods": 60}, controlPlane={"apiServerArguments": {"v": "2"}})
    found = review("test", run_preview("test", running.folder, ()))
    assert found.verdict is Verdict.STOPS_API
    text = comment(found)
    assert "+maxPods: 60" in text
    assert "| `kubelet.maxPods` | 110 | 60 |" in text
    assert "no policy pack checked" in text
    assert "of a key" not in text
    assert "of an operator" not in text


def test_nothing_to_do_is_said_and_the_command_succeeds(running: Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["preview-comment", "--stack", "test"]) == 0
    assert "changes nothing" in capsys.readouterr().out


def test_policies_are_reported_from_the_engines_own_events(
    running: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    pack = running.folder / "policies"
    pack.mkdir()
    (pack / "PulumiPolicy.yaml").write_text((running.folder / "Pulumi.yaml").read_text())
    (pack / "__main__.py").write_text(PACK)
    assert main(["preview-comment", "--stack", "test"]) == 0
    assert "rules: no rule is broken" in capsys.readouterr().out

    write(running, kubelet={"maxPods": 60})
    assert main(["preview-comment", "--stack", "test"]) == 1
    said = capsys.readouterr().out
    assert "🛑 `test`: a policy forbids it" in said
    assert "Set kubelet.maxPods to 110." in said


def test_an_unknown_stack_ends_with_what_pulumi_said(running: Project) -> None:
    with pytest.raises(OperationFailed, match="no stack named"):
        run_preview("nowhere", running.folder, ())


def test_a_program_that_fails_is_a_verdict_and_not_a_traceback(running: Project) -> None:
    running.write("raise SystemExit(1)")
    assert review("test", run_preview("test", Path.cwd(), ())).verdict is Verdict.FAILS
