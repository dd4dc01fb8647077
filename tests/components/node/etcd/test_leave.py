"""leave_etcd with real etcd: of two members, one whose join was cut off."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.components.node.etcd.etcd_machines import EtcdMachine, configure_all, make_authority

pytestmark = pytest.mark.engine

_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
ELECTION_SECONDS = 30
ADDRESSES = {f"control-plane-{n}": f"127.81.{_WORKER}.{10 + n}" for n in range(2)}

_LEAVE = """\
import sys
from pathlib import Path
from components.node.etcd.leave import leave_etcd

name, address, folder, *others = sys.argv[1:]
leave_etcd(name, address, others, manifest=Path(folder, "etcd.yaml"))
"""

# The kubelet brings etcd back, from its manifest.
_KUBELET = '#!/usr/bin/env bash\n[[ "$*" == "start kubelet" ]] && exec "$(dirname "$0")/etcd-systemctl" start etcd\n'


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[EtcdMachine, EtcdMachine]]:
    """A founder, and one that has just got a vote beside it."""
    authority = tmp_path / "authority"
    make_authority(authority)
    founder, joined = (EtcdMachine(name, address, tmp_path / name, ADDRESSES) for name, address in ADDRESSES.items())
    try:
        for machine in (founder, joined):
            machine.prepare(authority)
        for outcome in configure_all([founder, joined]):
            assert outcome.returncode == 0, outcome.stdout
        _make_control_plane(joined, authority)
        yield founder, joined
    finally:
        for machine in (founder, joined):
            machine.stop()


def _make_control_plane(machine: EtcdMachine, authority: Path) -> None:
    programs = machine.folder / "bin"
    (programs / "systemctl").rename(programs / "etcd-systemctl")
    (programs / "systemctl").write_text(_KUBELET)
    (programs / "systemctl").chmod(0o755)
    shutil.copytree(authority, machine.folder / "etc" / "pki" / "etcd")
    (machine.folder / "etcd.yaml").touch()


def leave(machine: EtcdMachine) -> str:
    others = [address for address in ADDRESSES.values() if address != machine.address]
    outcome = subprocess.run(
        [sys.executable, "-c", _LEAVE, machine.name, machine.address, str(machine.folder), *others],
        env={**machine.environment, "QUORATE_RUN": str(machine.folder / "run")},
        capture_output=True, text=True, timeout=180, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert not list((machine.folder / "run").iterdir()), "no key is left"
    return outcome.stdout


def writes(machine: EtcdMachine) -> bool:
    try:
        machine.etcdctl("--command-timeout=3s", "put", "precious", "data")
    except subprocess.CalledProcessError:
        return False
    return True


def writes_soon(machine: EtcdMachine) -> bool:
    """It may have to notice first that the leader has left, and to elect itself."""
    deadline = time.monotonic() + ELECTION_SECONDS
    while not (written := writes(machine)) and time.monotonic() < deadline:
        pass
    return written


def test_the_other_one_works_alone_after_a_half_joined_member_has_left(
    pair: tuple[EtcdMachine, EtcdMachine],
) -> None:
    founder, joined = pair
    leave(joined)
    joined.stop()
    assert writes_soon(founder)
    assert set(founder.member_ids()) == {founder.address}
    assert leave(joined) == "", "nothing stands for the machine any more"


def test_one_that_lost_its_power_is_started_to_vote_for_its_own_removal(pair: tuple[EtcdMachine, EtcdMachine]) -> None:
    founder, joined = pair
    joined.stop()
    assert not writes(founder), "of two members, one has no quorum"
    leave(joined)
    assert writes_soon(founder)
    assert set(founder.member_ids()) == {founder.address}
