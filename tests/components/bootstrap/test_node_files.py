"""The files of a machine: what is in them, and the text that carries them."""

from __future__ import annotations

import dataclasses
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.bootstrap.control_plane import control_plane_files
from components.bootstrap.node_files import NodeFile, bundle, environment_file, static_files
from components.settings.model import Settings
from tests.components.education import SETTINGS


def files_of(settings: Settings) -> dict[str, NodeFile]:
    files = control_plane_files(
        settings, "control-plane-0", "10.20.0.16", "api.example", "vol-1", "documents\n", "ns/daemonset/x", ("a", "b")
    )
    assert len({file.path for file in files}) == len(files)
    return {file.path: file for file in files}


def environment(settings: Settings) -> dict[str, str]:
    lines = files_of(settings)["/etc/quorate/node.env"].content.splitlines()
    return {name: "".join(shlex.split(value)) for name, _, value in (line.partition("=") for line in lines)}


def test_scripts_are_executable_and_nothing_else_is() -> None:
    for file in static_files():
        assert (file.mode == "0755") == file.path.endswith(".sh"), file.path


def test_every_script_that_a_unit_starts_is_delivered() -> None:
    paths = {file.path for file in static_files()}
    started = [
        line.removeprefix("ExecStart=")
        for file in static_files()
        if file.path.endswith(".service")
        for line in file.content.splitlines()
        if line.startswith("ExecStart=")
    ]
    assert len(started) == 2
    assert set(started) <= paths


def test_the_kubelet_never_starts_without_the_disk_of_etcd() -> None:
    drop_in = next(f for f in static_files() if f.path.startswith("/etc/systemd/system/kubelet.service.d/"))
    assert "Requires=quorate-etcd-volume.service" in drop_in.content
    assert "After=quorate-etcd-volume.service" in drop_in.content


def test_versions_and_disk_are_in_the_environment() -> None:
    values = environment(SETTINGS)
    assert values["KUBERNETES_VERSION"] == SETTINGS.cluster.kubernetes_version
    assert values["CONTAINERD_VERSION"] == SETTINGS.cluster.containerd_version
    assert values["ETCD_VOLUME_ID"] == "vol-1"


def test_a_single_control_plane_names_itself_and_one_of_several_does_not() -> None:
    assert environment(SETTINGS)["API_ENDPOINT_ADDRESS"] == "10.20.0.16"
    several = dataclasses.replace(SETTINGS, control_plane=dataclasses.replace(SETTINGS.control_plane, count=3))
    assert "API_ENDPOINT_ADDRESS" not in environment(several)


def test_a_larger_disk_shows_as_a_changed_file() -> None:
    larger = dataclasses.replace(SETTINGS, etcd=dataclasses.replace(SETTINGS.etcd, volume_gib=40))
    assert files_of(larger) != files_of(SETTINGS)


@given(st.dictionaries(st.sampled_from(["A", "B_C"]), st.text(st.characters(exclude_characters="\n\0"))))
def test_any_value_of_one_line_is_read_back_by_a_shell_as_it_was(values: dict[str, str]) -> None:
    lines = environment_file(values).content.split("\n")[:-1]
    assert {line.partition("=")[0]: shlex.split(line.partition("=")[2])[0] for line in lines} == values


@pytest.mark.parametrize(("name", "value"), [("A", "two\nlines"), ("a", "x"), ("A B", "x"), ("A;rm", "x")])
def test_what_is_no_line_of_an_environment_is_refused(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=r"cannot be a line of /etc/quorate/node\.env"):
        environment_file({name: value})


def test_a_file_without_a_last_newline_is_refused_as_it_would_not_arrive_as_it_is() -> None:
    with pytest.raises(ValueError, match="/etc/quorate/x does not end with a newline"):
        bundle((NodeFile("/etc/quorate/x", "text"),))
