"""Which timers a machine with a member has."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.node.common import environment
from components.node.control_plane.this_machine import this_machine
from components.node.etcd.this_member import this_member
from components.node.etcd.timers import set_timers
from tests.components.node.stand_ins import stand_ins

_MEMBER = "MACHINE_NAME=one\nNODE_ADDRESS=10.0.0.1\nETCD_VERSION=3.6.14\nETCD_VOLUME_ID=vol-1\n"


@pytest.mark.parametrize(("snapshots", "verb"), [(True, "enable"), (False, "disable")])
def test_snapshots_begin_and_end_with_the_bucket(
    snapshots: bool, verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = stand_ins(tmp_path, monkeypatch)
    programs.program("systemctl")
    set_timers(snapshots=snapshots)
    assert programs.calls == [
        "systemctl enable --quiet --now quorate-defragment-etcd.timer",
        f"systemctl {verb} --quiet --now quorate-snapshot.timer",
    ]


@pytest.mark.parametrize(("line", "takes"), [("SNAPSHOT_BUCKET=b\n", True), ("", False)])
def test_a_machine_takes_snapshots_where_it_knows_a_bucket(
    line: str, takes: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "ETC", tmp_path)
    (tmp_path / "node.env").write_text(_MEMBER + line)
    assert this_member().takes_snapshots is takes
    values = {"API_ENDPOINT_NAME": "api.test", "KUBERNETES_VERSION": "1.36.4", "LOGIN_USER": "root"}
    assert this_machine({**environment.read_environment(), **values}).takes_snapshots is takes
