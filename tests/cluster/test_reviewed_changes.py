"""The way of a change through review, on a living dev: the preview's comment, the policies at `up`, the report."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.cluster.conftest import Workspace, made_workspace
from tests.cluster.on_machines import machine_ids

pytestmark = [pytest.mark.cluster, pytest.mark.drill]

STACK = "dev"


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    with made_workspace(tmp_path_factory, STACK) as workspace:
        yield workspace


def ci(workspace: Workspace, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs a script of .ci as a workflow does, in the workspace's copy of the program."""
    return subprocess.run(
        [str(workspace.folder / ".ci" / script), *arguments],
        env=workspace.environment, capture_output=True, text=True,
    )  # fmt: skip


def comment(workspace: Workspace, folder: Path) -> tuple[int, str]:
    """The exit status of the preview, and its comment."""
    outcome = ci(workspace, "preview", STACK, str(folder))
    text = (folder / "comment.md").read_text()
    print(f"exit {outcome.returncode}\n{text}\n{outcome.stderr}")
    return outcome.returncode, text


def test_the_comment_on_a_new_stack_says_what_it_costs_and_breaks_no_rule(dev: Workspace, tmp_path: Path) -> None:
    status, text = comment(dev, tmp_path)
    assert status == 0
    assert "no rule is broken" in text
    assert "**Cost per month**" in text
    assert machine_ids() == [], "a preview makes nothing"


def test_a_stack_comes_up_under_its_policies(dev: Workspace) -> None:
    outcome = ci(dev, "up", STACK)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert "quorate" in outcome.stdout.partition("Policies:")[2], outcome.stdout
    assert len(machine_ids()) == 3


def test_a_second_preview_has_nothing_to_say(dev: Workspace, tmp_path: Path) -> None:
    status, text = comment(dev, tmp_path)
    assert status == 0
    assert "0 created, 0 changed, 0 replaced, 0 deleted" in text


def test_the_comment_shows_each_line_that_changes_on_machines_and_up_does_it(dev: Workspace, tmp_path: Path) -> None:
    dev.set("kubelet", "maxPods", 77)
    dev.set("controlPlane", "apiServerArguments", {"max-requests-inflight": "350"})
    status, text = comment(dev, tmp_path)
    assert status == 0
    assert "+maxPods: 77" in text
    assert "+  - name: max-requests-inflight" in text
    assert "0 replaced" in text
    outcome = ci(dev, "up", STACK)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    node = yaml.safe_load(dev.kubectl("get", "node", "control-plane-0", "-o", "yaml"))
    assert node["status"]["capacity"]["pods"] == "77"


def test_a_broken_rule_is_refused_by_preview_and_by_up_before_anything_happens(dev: Workspace, tmp_path: Path) -> None:
    before = dev.stack_file.read_text()
    dev.set("access", "apiCidrs", ["203.0.113.0/24", "198.51.100.128/25"])
    stack = yaml.safe_load(dev.stack_file.read_text())
    stack["config"]["policies:exemptions"] = [{"policy": "disks-are-encrypted"}]
    dev.stack_file.write_text(yaml.safe_dump(stack))
    status, text = comment(dev, tmp_path)
    assert status == 1
    assert "policies:exemptions[0]: the reason is missing" in text
    outcome = ci(dev, "up", STACK)
    assert outcome.returncode != 0
    assert "the reason is missing" in outcome.stdout
    permissions = [p for g in dev.ec2().describe_security_groups()["SecurityGroups"] for p in g["IpPermissions"]]
    allowed = {entry["CidrIp"] for p in permissions if p.get("FromPort") == 6443 for entry in p["IpRanges"]}
    assert allowed == {"203.0.113.0/24"}
    dev.stack_file.write_text(before)


def test_destroy_leaves_nothing(dev: Workspace) -> None:
    dev.pulumi("destroy", "--yes", "--skip-preview", "--stack", STACK)
    assert machine_ids() == []
