"""The workflows: pinned, with the least permissions, safe for forks."""

from __future__ import annotations

import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.sandbox_cli import binary, build_tool

CHECKOUT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((CHECKOUT / ".github/workflows").glob("*.yml"))
# What anybody can write and a shell would read as its own text.
_UNTRUSTED = re.compile(
    r"\$\{\{[^}]*(github\.event|github\.head_ref|inputs\.|matrix\.|vars\.|github\.ref_name)[^}]*\}\}"
)


def load(path: Path) -> dict[Any, Any]:
    # YAML 1.1 reads the key `on` as true.
    return dict(yaml.safe_load(path.read_text()))


def steps(path: Path) -> Iterator[dict[str, Any]]:
    for job in load(path)["jobs"].values():
        yield from job["steps"]


def test_verify_preview_and_deploy_are_there() -> None:
    assert {path.stem for path in WORKFLOWS} == {"verify", "preview", "deploy"}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_every_action_is_pinned_by_commit_with_its_version_beside_it(path: Path) -> None:
    used = re.findall(r"uses: (.*)", path.read_text())
    assert used
    for line in used:
        assert re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+\b.*", line), line


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_no_workflow_starts_with_more_than_reading(path: Path) -> None:
    assert load(path)["permissions"] in ({}, {"contents": "read"})


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_no_script_contains_text_that_a_stranger_writes(path: Path) -> None:
    for step in steps(path):
        assert not _UNTRUSTED.search(step.get("run", "")), step


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_no_checkout_leaves_its_token_behind_and_every_job_has_a_deadline(path: Path) -> None:
    for step in steps(path):
        if "actions/checkout@" in step.get("uses", ""):
            assert step["with"]["persist-credentials"] is False
    for job in load(path)["jobs"].values():
        assert job["timeout-minutes"] <= 90


def test_no_workflow_runs_a_strangers_code_with_the_repositorys_rights() -> None:
    for path in WORKFLOWS:
        assert not {"pull_request_target", "workflow_run", "issue_comment"} & set(load(path)[True])


def test_the_preview_has_no_write_permission_and_forks_do_not_reach_it() -> None:
    jobs = load(CHECKOUT / ".github/workflows/preview.yml")["jobs"]
    assert jobs["preview"]["permissions"] == {"contents": "read", "id-token": "write"}
    assert "github.event.pull_request.head.repo.full_name == github.repository" in jobs["preview"]["if"]
    assert "secrets." not in (CHECKOUT / ".github/workflows/preview.yml").read_text()


def test_the_job_that_comments_gets_no_cloud_and_runs_the_target_branchs_script() -> None:
    job = load(CHECKOUT / ".github/workflows/preview.yml")["jobs"]["comment"]
    assert job["permissions"] == {"contents": "read", "pull-requests": "write"}
    assert job["steps"][0]["with"]["ref"] == "${{ github.event.pull_request.base.sha }}"


def test_applying_waits_for_the_stacks_environment_and_is_never_cut_off() -> None:
    workflow = load(CHECKOUT / ".github/workflows/deploy.yml")
    assert workflow["jobs"]["up"]["environment"] == "${{ inputs.stack }}"
    assert workflow["jobs"]["up"]["needs"] == "preview"
    assert workflow["concurrency"]["cancel-in-progress"] is False


def test_the_cli_is_of_the_version_of_the_sdk() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    assert f"pulumi=={(CHECKOUT / '.pulumi.version').read_text().strip()}" in project["dependencies"]


@pytest.mark.engine
def test_actionlint_has_nothing_to_say() -> None:
    build_tool("actionlint")
    command = [str(binary("actionlint", "actionlint")), *map(str, WORKFLOWS)]
    outcome = subprocess.run(command, capture_output=True, text=True)
    assert outcome.returncode == 0, outcome.stdout
