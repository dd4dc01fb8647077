"""Which lines change on machines."""

from __future__ import annotations

import yaml

from components.delivery.bundle_writer import write_bundle
from components.delivery.cloud_config import compressed
from components.delivery.node_files import NodeFile
from operations.preview.digest import UNKNOWN, Action, Step
from operations.preview.node_lines import machine_change
from pricing.topology import topology
from tests.operations.preview.digests import COMMAND, LAUNCH_TEMPLATE, machine_bundle
from tests.operations.stacks import PROD, settings


def step(kind: str, key: str, old: str, new: str, action: Action = Action.UPDATE) -> Step:
    return Step(f"urn:pulumi:prod::quorate::{kind}::prod-thing", action, {key: old}, {key: new})


def test_only_the_lines_that_a_setting_changes_are_reported() -> None:
    old, new = settings(PROD), settings(PROD, kubelet={"maxPods": 60}, cluster={"containerdVersion": "2.3.8"})
    machine = topology(old).machines[0]
    change = machine_change(step(COMMAND, "stdin", machine_bundle(old, machine), machine_bundle(new, machine)))
    assert change is not None
    assert change.machine == "control-plane-0"
    lines = {file.path: [line for line in file.lines if line[0] in "+-"] for file in change.files}
    assert lines == {
        "/etc/quorate/kubeadm.yaml": ["-maxPods: 110", "+maxPods: 60"],
        "/etc/quorate/node.env": ["-CONTAINERD_VERSION=2.3.7", "+CONTAINERD_VERSION=2.3.8"],
    }


def test_new_and_removed_files_are_reported_by_their_length() -> None:
    old, new = NodeFile("/etc/quorate/old", "a\nb\n"), NodeFile("/etc/quorate/new", "c\n")
    change = machine_change(step(COMMAND, "stdin", write_bundle((old,)), write_bundle((new,))))
    assert change is not None
    assert [(file.path, *file.lines) for file in change.files] == [
        ("/etc/quorate/new", "+ (new file, 1 lines)"),
        ("/etc/quorate/old", "- (removed file, 2 lines)"),
    ]


def test_the_user_data_of_a_pool_is_unpacked() -> None:
    def data(text: str) -> str:
        files = [{"path": "/etc/quorate/node.env", "permissions": "0644", "content": text}]
        return compressed("#cloud-config\n" + yaml.safe_dump({"hostname": "worker", "write_files": files}))

    change = machine_change(step(LAUNCH_TEMPLATE, "userData", data("A=1\n"), data("A=2\n")))
    assert change is not None
    assert [(file.path, file.lines[1:]) for file in change.files] == [("/etc/quorate/node.env", ("-A=1", "+A=2"))]


def test_user_data_that_is_something_else_is_left_alone() -> None:
    assert machine_change(step(LAUNCH_TEMPLATE, "userData", "aGVsbG8=", "d29ybGQ=")) is None


def test_what_is_known_only_at_apply_is_said_to_be_so() -> None:
    old = machine_bundle(settings(PROD), topology(settings(PROD)).machines[0])
    change = machine_change(step(COMMAND, "stdin", old, UNKNOWN))
    assert change is not None
    assert (change.machine, change.files, change.unknown) == ("control-plane-0", (), True)


def test_secret_input_is_never_looked_into() -> None:
    assert machine_change(step(COMMAND, "stdin", "[secret]", "%%% end 0\n")) is None


def test_a_line_that_looks_like_a_secret_is_withheld() -> None:
    old, new = NodeFile("/etc/quorate/x", "a\n"), NodeFile("/etc/quorate/x", "a\n-----BEGIN EC PRIVATE KEY-----\n")
    change = machine_change(step(COMMAND, "stdin", write_bundle((old,)), write_bundle((new,))))
    assert change is not None
    assert "BEGIN" not in "".join(change.files[0].lines)
    assert "withheld" in change.files[0].lines[-1]


def test_a_manifest_on_standard_input_is_reported_as_a_whole() -> None:
    change = machine_change(step(COMMAND, "stdin", "kind: A\nimage: x:1\n", "kind: A\nimage: x:2\n"))
    assert change is not None
    assert change.machine == ""
    assert change.files[0].lines[-2:] == ("-image: x:1", "+image: x:2")


def test_new_machines_have_no_lines_that_change() -> None:
    assert machine_change(step(COMMAND, "stdin", "", "%%% end 0\n", Action.CREATE)) is None
