"""The real engine takes the project file and stack files, and shows refusals as a list, before anything is made."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.components.settings.stack_files import CHECKOUT
from tests.pulumi_project import engine

pytestmark = pytest.mark.engine
__all__ = ["engine"]

PROGRAM = """
import pulumi
from components.previous_update import previous_update
from components.settings.encode import plain
from components.settings.load import load

pulumi.export("settings", plain(load(previous_update().settings)))
"""

# A cluster whose first update fails half-way, after the cluster itself was registered.
HALF_MADE = """
import pulumi
from components.previous_update import CLUSTER_TYPE, previous_update, record
from components.settings.load import load

settings = load(previous_update().settings)
cluster = pulumi.ComponentResource(CLUSTER_TYPE, "cluster")
cluster.register_outputs(record(settings))
if settings.tags.get("fails"):
    raise pulumi.RunError("the machine did not boot")
"""

# Reads the state while Pulumi's file backend has opened its attributes to write them, and not yet written.
WHILE_IT_IS_WRITTEN = """
import os
import threading
from pathlib import Path

import components.previous_update

backend = Path(os.environ["PULUMI_BACKEND_URL"].removeprefix("file://"))
attributes = backend / ".pulumi/stacks/quorate/education.json.attrs"
written = attributes.read_text()
attributes.write_text("")
threading.Timer({seconds_until_written}, attributes.write_text, [written]).start()
components.previous_update._READ_SECONDS = {seconds_to_read}
"""


class Checkout:
    """The project, its stack files and its settings in a folder of the test's own, with a program that only loads."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder, self.environment = folder, environment
        shutil.copy(CHECKOUT / "Pulumi.yaml", folder)
        shutil.copytree(CHECKOUT / "stacks", folder / "stacks")
        (folder / "components").symlink_to(CHECKOUT / "components")
        (folder / ".venv").symlink_to(sys.prefix)
        self.write_program(PROGRAM)

    def pulumi(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = ["pulumi", *arguments, "--non-interactive", "--color", "never"]
        return subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=120
        )

    def write_program(self, text: str) -> None:
        (self.folder / "__main__.py").write_text(text)

    def configure(self, path: str, value: str) -> None:
        """Sets the setting at this key path."""
        assert self.pulumi("config", "set", "--path", f"quorate:{path}", value).returncode == 0


@pytest.fixture
def checkout(engine: Mapping[str, str], tmp_path: Path) -> Checkout:
    folder, stacks = tmp_path / "checkout", tmp_path / "backend"
    folder.mkdir()
    stacks.mkdir()
    made = Checkout(folder, {**engine, "PULUMI_BACKEND_URL": f"file://{stacks}"})
    created = made.pulumi("stack", "init", "education")
    assert created.returncode == 0, created.stderr
    return made


def test_making_the_stack_adds_nothing_to_its_file_but_the_salt(checkout: Checkout) -> None:
    before = (CHECKOUT / "stacks/Pulumi.education.yaml").read_text().splitlines()
    after = (checkout.folder / "stacks/Pulumi.education.yaml").read_text().splitlines()
    assert [line for line in after if not line.startswith("encryptionsalt: ")] == before


def test_the_committed_stack_passes_the_project_schema_and_is_loaded(checkout: Checkout) -> None:
    outcome = checkout.pulumi("up", "--yes", "--skip-preview", "--stack", "education")
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    settings = json.loads(checkout.pulumi("stack", "output", "settings", "--json").stdout)
    assert settings["cluster"]["name"] == "education"
    assert settings["workers"] == []
    assert settings["kubelet"]["maxPods"] == 110


def test_bad_settings_end_in_a_list_without_a_traceback(checkout: Checkout) -> None:
    for path, value in (
        ("network.zones", "9"),
        ("network.vpcCdir", "10.0.0.0/16"),
        ("access.sshCidrs[0]", "0.0.0.0/0"),
    ):
        checkout.configure(path, value)
    assert checkout.pulumi("config", "rm", "aws:region").returncode == 0
    outcome = checkout.pulumi("preview", "--stack", "education")
    printed = outcome.stdout + outcome.stderr
    assert outcome.returncode != 0
    assert "have 4 problems; nothing was created or changed" in printed
    assert all(f"quorate:{path}" in printed for path in ("network.zones", "network.vpcCdir", "access.sshCidrs[0]"))
    assert "Did you mean vpcCidr?" in printed
    assert "aws:region" in printed
    assert "Traceback" not in printed


def test_a_group_of_another_shape_and_what_the_engine_ignores_are_told_with_all_the_rest(checkout: Checkout) -> None:
    checkout.configure("network.zones", "9")
    assert checkout.pulumi("config", "set", "networkPlugin", "flannel").returncode == 0
    assert checkout.pulumi("config", "set", "qourate:tags", "x").returncode == 0
    with (checkout.folder / "stacks/Pulumi.education.yaml").open("a") as file:
        file.write("quorate:backups: {intervalHours: 12}\n")
    outcome = checkout.pulumi("preview")
    printed = outcome.stdout + outcome.stderr
    assert outcome.returncode != 0
    assert "have 4 problems; nothing was created or changed" in printed
    for told in ("Write an object here", "at the file's margin", "Did you mean quorate:tags?", "quorate:network.zones"):
        assert told in printed


def test_an_encrypted_setting_is_refused_and_not_shown(checkout: Checkout) -> None:
    assert checkout.pulumi("config", "set", "--secret", "--path", "quorate:tags.owner", "hidden").returncode == 0
    outcome = checkout.pulumi("preview", "--stack", "education")
    printed = outcome.stdout + outcome.stderr
    assert outcome.returncode != 0
    assert "quorate:tags" in printed
    assert "an encrypted value" in printed
    assert "hidden" not in printed


def test_a_cluster_whose_first_update_failed_already_refuses_what_cannot_change(checkout: Checkout) -> None:
    checkout.write_program(HALF_MADE)
    checkout.configure("tags.fails", "yes")
    assert "did not boot" in checkout.pulumi("up", "--yes", "--skip-preview").stdout
    checkout.configure("network.podCidr", "10.245.0.0/16")
    checkout.configure("etcd.volumeGib", "10")
    for command in (["preview"], ["up", "--yes", "--skip-preview"]):
        outcome = checkout.pulumi(*command)
        printed = outcome.stdout + outcome.stderr
        assert outcome.returncode != 0
        assert "have 2 problems; nothing was created or changed" in printed
        assert "found: '10.245.0.0/16' instead of '10.244.0.0/16'" in printed
        assert "Choose 20 or more" in printed
        assert "Traceback" not in printed

    checkout.configure("network.podCidr", "10.244.0.0/16")
    checkout.configure("etcd.volumeGib", "30")
    checkout.configure("tags.fails", "")
    outcome = checkout.pulumi("up", "--yes", "--skip-preview")
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    checkout.configure("etcd.volumeGib", "20")
    assert "Choose 30 or more" in checkout.pulumi("preview").stdout


def test_a_state_that_is_being_written_is_asked_for_again(checkout: Checkout) -> None:
    checkout.write_program(HALF_MADE)
    assert checkout.pulumi("up", "--yes", "--skip-preview").returncode == 0
    checkout.configure("network.podCidr", "10.245.0.0/16")
    being_written = WHILE_IT_IS_WRITTEN.format(seconds_until_written=0.5, seconds_to_read=60)
    checkout.write_program(being_written + HALF_MADE)
    outcome = checkout.pulumi("preview")
    assert "found: '10.245.0.0/16' instead of '10.244.0.0/16'" in outcome.stdout, outcome.stdout + outcome.stderr


def test_a_state_that_can_not_be_read_ends_the_update_before_anything_is_done(checkout: Checkout) -> None:
    checkout.write_program(HALF_MADE)
    assert checkout.pulumi("up", "--yes", "--skip-preview").returncode == 0
    never_written = WHILE_IT_IS_WRITTEN.format(seconds_until_written=4, seconds_to_read=1)
    checkout.write_program(never_written + HALF_MADE)
    outcome = checkout.pulumi("preview")
    printed = outcome.stdout + outcome.stderr
    assert outcome.returncode != 0
    assert "could not be read for 1 s" in printed
    assert "failed to load checkpoint: EOF" in printed
    assert "Run it again" in printed
    assert "Traceback" not in printed


def test_a_destroyed_cluster_refuses_nothing(checkout: Checkout) -> None:
    checkout.write_program(HALF_MADE)
    assert checkout.pulumi("up", "--yes", "--skip-preview").returncode == 0
    assert checkout.pulumi("destroy", "--yes", "--skip-preview").returncode == 0
    checkout.configure("network.podCidr", "10.245.0.0/16")
    outcome = checkout.pulumi("up", "--yes", "--skip-preview")
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
