"""The pack in a real engine, with the real AWS provider, which plans without asking AWS."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.components.settings.stack_files import SMALL
from tests.policies.offline_program import CASES, HEAD, OF_THE_STACK, program
from tests.pulumi_project import Project, engine, project

pytestmark = pytest.mark.engine
__all__ = ["engine", "project"]

PACK = str(Path(__file__).parents[2] / "policies")
VOLUME = "aws.ebs.Volume('c-data', availability_zone='eu-central-1a', size=8, encrypted={}, **tags, **on)\n"
SOUND, PLAIN = HEAD + VOLUME.format(True), HEAD + VOLUME.format(False)
REFUSED = re.compile(r"- \[(mandatory|advisory)\](?: \[severity: \w+\])?  (\S+)  \(\S+ (\S+)\)")


def told(printed: str) -> set[tuple[str, str, str]]:
    """Level, rule and resource of everything that the pack says."""
    return set(REFUSED.findall(printed))


def exempt(project: Project, **entry: str) -> None:
    for key, value in entry.items():
        project.run("config", "set", "--path", f"policies:exemptions[0].{key}", value)


def test_each_resource_is_refused_by_exactly_the_rules_that_it_breaks(project: Project) -> None:
    project.write(program())
    found = told(project.run("preview", "--policy-pack", PACK, ok=False))
    wanted = {(rule, name) for name, _, rules in CASES for rule in rules.split()} | {(OF_THE_STACK, "probe-test")}
    assert {(rule, name) for _, rule, name in found} == wanted
    assert {rule for level, rule, _ in found if level == "advisory"} == {"etcd-is-not-on-burstable-machines"}


def test_a_sound_stack_passes(project: Project) -> None:
    project.write(SOUND)
    assert told(project.run("preview", "--policy-pack", PACK)) == set()


def test_a_message_says_what_is_wrong_why_and_what_to_do(project: Project) -> None:
    project.write(PLAIN)
    printed = project.run("preview", "--policy-pack", PACK, ok=False)
    assert told(printed) == {("mandatory", "disks-are-encrypted", "c-data")}
    for part in ("Every disk is encrypted.", "Why: etcd's data", "Do: set encrypted=True."):
        assert part in printed


def test_an_exemption_with_a_reason_lets_a_violation_pass_and_is_reported(project: Project) -> None:
    project.write(PLAIN)
    exempt(project, policy="disks-are-encrypted", reason="nothing is ever written to it", resource="c-*")
    printed = project.run("preview", "--policy-pack", PACK)
    assert told(printed) == {("advisory", "exemptions-in-use", "c-data")}
    assert "disks-are-encrypted is exempt: nothing is ever written to it" in printed


def test_an_exemption_that_exempts_nothing_is_reported(project: Project) -> None:
    project.write(SOUND)
    exempt(project, policy="disks-are-encrypted", reason="nothing is ever written to it")
    printed = project.run("preview", "--policy-pack", PACK)
    assert told(printed) == {("advisory", "exemptions-in-use", "probe-test")}
    assert "remove the exemption" in printed


def test_an_exemption_without_a_reason_fails_the_preview_and_exempts_nothing(project: Project) -> None:
    project.write(PLAIN)
    exempt(project, policy="disks-are-encrypted")
    printed = project.run("preview", "--policy-pack", PACK, ok=False)
    assert ("mandatory", "disks-are-encrypted", "c-data") in told(printed)
    project.write(SOUND)
    printed = project.run("preview", "--policy-pack", PACK, ok=False)
    assert told(printed) == {("mandatory", "policy-settings-are-sound", "probe-test")}
    assert "policies:exemptions[0]: the reason is missing" in printed


def test_what_policies_do_not_understand_in_a_stack_file_fails_the_preview(project: Project) -> None:
    project.write(SOUND)
    project.run("config", "set", "--path", "policies:exemption[0].policy", "disks-are-encrypted")
    project.run("config", "set", "policies:monthlyBudgetUsd", "much")
    printed = project.run("preview", "--policy-pack", PACK, ok=False)
    assert told(printed) == {("mandatory", "policy-settings-are-sound", "probe-test")}
    assert "unknown key policies:exemption, did you mean policies:exemptions?" in printed
    assert "policies:monthlyBudgetUsd is not a number" in printed


def test_settings_decide_how_strict_rules_are_and_what_the_stack_costs(project: Project) -> None:
    project.write(HEAD + "ingress('api', 6443, '0.0.0.0/0')\n")
    strict = ("mandatory", "api-is-not-open-to-the-world", "api")
    assert told(project.run("preview", "--policy-pack", PACK, ok=False)) == {strict}
    groups = {f"quorate:{group}": value for group, value in SMALL.items()}
    config = {"aws:region": "eu-central-1", "policies:monthlyBudgetUsd": 5, **groups}
    (project.folder / "Pulumi.test.yaml").write_text(json.dumps({"config": config}))
    printed = project.run("preview", "--policy-pack", PACK)
    assert told(printed) == {
        ("advisory", "api-of-a-learning-cluster-is-not-open", "api"),
        ("advisory", "cost-is-within-the-budget", "probe-test"),
    }


def test_policy_config_sets_severity_and_parameters(project: Project, tmp_path: Path) -> None:
    project.write(PLAIN)
    config = tmp_path / "config.json"
    config.write_text(
        json.dumps({"disks-are-encrypted": "advisory", "resources-are-tagged": {"required": ["Name", "owner"]}})
    )
    printed = project.run("preview", "--policy-pack", PACK, "--policy-pack-config", str(config), ok=False)
    assert told(printed) == {
        ("advisory", "disks-are-encrypted", "c-data"),
        ("mandatory", "resources-are-tagged", "c-data"),
    }
    assert "lacks the tag owner." in printed
    config.write_text(json.dumps({"disks-are-encrypted": "disabled"}))
    printed = project.run("preview", "--policy-pack", PACK, "--policy-pack-config", str(config))
    assert told(printed) == set()


def test_a_value_that_a_preview_does_not_know_is_not_refused(project: Project) -> None:
    volume = "aws.ebs.Volume('c-data', availability_zone='eu-central-1a', size=8, encrypted=made.stdout.apply(bool)"
    project.write(HEAD + "made = local.Command('made', create='true')\n" + volume + ", **tags, **on)\n")
    assert told(project.run("preview", "--policy-pack", PACK)) == set()
