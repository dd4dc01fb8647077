"""Another release of the program, by itself, replaces no worker; a setting that concerns them does."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from components.cluster import Cluster
from components.delivery.cloud_config import compressed, unpacked
from components.delivery.living_user_data import kept
from components.previous_update import PreviousUpdate, previous_update_in
from tests.components.education import ANSWERS, outputs
from tests.components.recording import record
from tests.components.stacks import TEMPLATE, recorded, settings_of

NAME = "dev-pool-general-template"
PREVIOUS_RELEASE = Path(__file__).parents[2] / "previous_release"


def user_data(living: str = "", **changes: Any) -> str:
    """What `dev` with these settings gives its workers, where they have `living` now."""
    settings = settings_of("dev", **changes)
    recording = record(
        lambda: cast(None, Cluster("dev", settings, PreviousUpdate(user_data={NAME: living}))), outputs, ANSWERS
    )
    return str(recording.named(TEMPLATE, NAME).inputs["userData"])


def of_another_release(text: str, path: str = "") -> str:
    """User data with another text in each file whose path begins so, and one more service to start."""
    document = yaml.safe_load(unpacked(text))
    for file in document["write_files"]:
        if file["path"].startswith(path):
            file["content"] += "# of another release\n"
    document["runcmd"].append(["systemctl", "start", "another.service"])
    return compressed("#cloud-config\n" + yaml.safe_dump(document))


@pytest.fixture(scope="module")
def present() -> str:
    return str(recorded("dev").named(TEMPLATE, NAME).inputs["userData"])


# A line of comment alone differs in kernel parameters.
@pytest.mark.parametrize("place", ["/opt/quorate/bin/", "/etc/systemd/system/", "/opt/quorate/share/99-"])
def test_workers_keep_their_user_data_where_the_program_alone_is_another(place: str, present: str) -> None:
    living = of_another_release(present, place)
    assert living != present
    assert user_data(living) == living


def test_workers_of_the_release_before_keep_theirs() -> None:
    living = (PREVIOUS_RELEASE / "dev-workers.user-data").read_text().strip()
    assert user_data(living) == living


def test_a_file_that_moved_within_the_program_is_no_change_either(present: str) -> None:
    living = compressed(unpacked(present).replace("/opt/quorate/bin/common.sh", "/opt/quorate/lib/earlier.sh"))
    assert user_data(living) == living


def test_a_setting_of_theirs_brings_them_the_present_program(present: str) -> None:
    living = of_another_release(present, "/opt/quorate/bin/")
    changed = user_data(living, kubelet__maxPods=77)
    assert changed not in (living, present)
    assert changed == user_data(kubelet__maxPods=77)


@pytest.mark.parametrize("place", ["/etc/quorate/node.env", "/etc/quorate/pki/", "/opt/quorate/share/patches/"])
def test_anything_else_that_differs_is_new_user_data(place: str, present: str) -> None:
    assert kept(of_another_release(present, place), present) == present


@pytest.mark.parametrize("unreadable", ["", "IyEvYmluL3NoCg==", "no base64", "#cloud-config\n- 1\n"])
def test_user_data_that_cannot_be_read_is_not_kept(unreadable: str, present: str) -> None:
    assert kept(unreadable, present) == present


def test_the_state_has_the_user_data_of_living_pools() -> None:
    urn = f"urn:pulumi:dev::quorate::quorate:index:Cluster$quorate:machines:WorkerPool${TEMPLATE}::{NAME}"
    state = {urn: {"type": TEMPLATE, "outputs": {"userData": "dGV4dA=="}}}
    assert previous_update_in(state).user_data == {NAME: "dGV4dA=="}
