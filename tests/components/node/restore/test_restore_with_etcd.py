"""A restore of three members of real etcd from one snapshot, and the way back from it: what clients find afterwards."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from components.node.etcd.snapshot.fetch import Offer
from components.node.etcd.snapshot.manifest import Manifest
from components.node.restore.record import Record
from tests.components.node.etcd.etcd_machines import EtcdMachine, configure_all, make_authority

pytestmark = pytest.mark.engine

_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
ADDRESSES = {f"etcd-{n}": f"127.83.{_WORKER}.{10 + n}" for n in range(3)}
RECORD = Record("20261128T003000Z-0a1b", "all/1", 1_000_000_000, "2026-11-28T00:30:00Z")

# The step without what a machine of its own has: root, fixed folders.
_ACT = """\
import dataclasses, sys
from pathlib import Path
from components.node.common import log
from components.node.common.failure import Failure
from components.node.etcd.this_member import this_member
from components.node.restore.step import act
from components.node.restore.this_machine import Machine

action, folder = sys.argv[1], Path(sys.argv[2])
member = dataclasses.replace(this_member(), pki=folder / "pki")
machine = Machine(
    member.name, member.address, "test", "etcd", {}, member.client(member.address),
    etcd_pki=member.pki, etc=folder / "etc", disk=folder / "disk", record=folder / "restore.json",
)
log.begin_log("restore")
try:
    act(action, machine, sys.stdin.read())
except Failure as failure:
    sys.exit(str(failure))
"""


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[EtcdMachine]]:
    folder = tmp_path_factory.mktemp("restore")
    make_authority(folder / "authority")
    machines = [EtcdMachine(name, address, folder / name, ADDRESSES) for name, address in ADDRESSES.items()]
    try:
        for machine in machines:
            prepare(machine)
        for outcome in configure_all(machines):
            assert outcome.returncode == 0, outcome.stdout
        yield machines
    finally:
        for machine in machines:
            machine.stop()


def prepare(machine: EtcdMachine) -> None:
    machine.prepare(machine.folder.parent / "authority")
    chown = machine.folder / "bin" / "chown"
    chown.write_text("#!/bin/sh\n")
    chown.chmod(0o755)


@pytest.fixture(scope="module")
def offer(machines: list[EtcdMachine], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Offer]:
    """A snapshot of when there were ten keys, and a bucket that serves it. Then others are written."""
    file = tmp_path_factory.mktemp("bucket") / "etcd.db"
    for n in range(12):
        machines[n % 3].etcdctl("put", f"/before/{n % 10}", f"value {n}")
    machines[0].etcdctl("snapshot", "save", str(file))
    revision = status(machines[0])["header"]["revision"]
    database = file.read_bytes()
    for n in range(5):
        machines[n % 3].etcdctl("put", f"/after/{n}", "later")
    machines[0].etcdctl("del", "/before/3")

    class Bucket(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(database)))
            self.end_headers()
            self.wfile.write(database)

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Bucket)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Offer(
            f"http://127.0.0.1:{server.server_port}/etcd.db",
            Manifest(
                id="1", retention="all", cluster="test", machine="etcd-0", time="2026-11-28T00:00:00Z",
                etcd_version="3.6.14", kubernetes_version="", revision=revision, hash=0, compact_revision=0, keys=10,
                bytes=len(database), sha256=hashlib.sha256(database).hexdigest(), secrets_keys=[], etcd_authorities=[],
                kubernetes_authorities=[], compared_with=[],
            ),
        )  # fmt: skip
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def status(machine: EtcdMachine) -> Any:
    return json.loads(machine.etcdctl("endpoint", "status", "--write-out", "json"))[0]["Status"]


def keys(machine: EtcdMachine) -> Mapping[str, str]:
    lines = machine.etcdctl("get", "/", "--prefix").splitlines()
    return dict(zip(lines[::2], lines[1::2], strict=True))


def act(machine: EtcdMachine, action: str, record: Record = RECORD, **more: Any) -> Any:
    """What the step found."""
    given = {"record": vars(record), "members": ADDRESSES, "token": f"test-restore-{record.id}", **more}
    outcome = subprocess.run(
        [sys.executable, "-c", _ACT, action, str(machine.folder)],
        env=machine.environment, input=json.dumps(given), capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert outcome.returncode == 0, f"{action} on {machine.name}: {outcome.stdout}{outcome.stderr}"
    last = outcome.stdout.splitlines()[-1:]
    return json.loads(last[0]) if last and last[0].startswith("{") else None


def on_all(machines: list[EtcdMachine], action: str, record: Record = RECORD, **more: Any) -> list[Any]:
    with ThreadPoolExecutor(len(machines)) as pool:
        return list(pool.map(lambda machine: act(machine, action, record, **more), machines))


def exchange(machines: list[EtcdMachine], source: Mapping[str, Any], record: Record = RECORD) -> None:
    on_all(machines, "begin", record)
    on_all(machines, "prepare", record, source=source)
    assert status(machines[0])["leader"], "it serves while the snapshot is restored beside its data"
    for action in ("take-data", "start-member", "wait-for-member"):
        on_all(machines, action, record)


def test_all_members_have_what_the_snapshot_has_and_old_watches_are_told(
    machines: list[EtcdMachine], offer: Offer
) -> None:
    before, ids = status(machines[0])["header"]["revision"], machines[0].member_ids()
    exchange(machines, json.loads(offer.text()))
    at = offer.manifest.revision + RECORD.bump
    held = on_all(machines, "held", revision=at)
    assert held == [{"hash": held[0]["hash"], "compacted": at, "keys": offer.manifest.keys}] * 3
    on_all(machines, "end")
    assert sorted(keys(machines[1])) == [f"/before/{n}" for n in range(10)]
    assert keys(machines[1])["/before/1"] == "value 11"
    now = machines[0].member_ids()
    assert now.keys() == ids.keys()
    assert not set(now.values()) & set(ids.values()), "a cluster of its own, whose members talk to none of the old one"
    assert status(machines[2])["header"]["revision"] >= at > before
    machines[2].etcdctl("put", "/since/1", "new")
    assert keys(machines[0])["/since/1"] == "new"
    # As a kubelet goes on that has seen a revision which the snapshot lacks.
    machine = machines[0]
    watch = subprocess.run(
        [*command(machine), "watch", "--prefix", "/", f"--rev={before}"], capture_output=True, text=True, timeout=60
    )
    assert "required revision has been compacted" in watch.stdout + watch.stderr
    for outcome in configure_all(machines):
        assert outcome.returncode == 0, outcome.stdout
    assert machines[0].member_ids() == now, "the next update leaves them alone"


def command(machine: EtcdMachine) -> list[str]:
    pki = machine.folder / "pki"
    options = (("--cacert", "ca.crt"), ("--cert", "member.crt"), ("--key", "member.key"))
    etcdctl = next(Path(path) for path in machine.environment["PATH"].split(":") if (Path(path) / "etcdctl").exists())
    return [
        str(etcdctl / "etcdctl"), "--endpoints", f"https://{machine.address}:2379",
        *(word for option, name in options for word in (option, str(pki / name))),
    ]  # fmt: skip


def test_a_member_that_loses_its_disk_afterwards_enters_again(machines: list[EtcdMachine]) -> None:
    machines[2].lose(with_disk=True)
    prepare(machines[2])
    outcome = machines[2].configure(120)
    assert outcome.returncode == 0, outcome.stdout
    assert keys(machines[2])["/since/1"] == "new"
    assert len(machines[0].member_ids()) == 3


def test_the_way_back_is_one_to_later_revisions_with_what_was_there_before(
    machines: list[EtcdMachine], offer: Offer
) -> None:
    first = dataclasses.replace(RECORD, id="20261128T010000Z-1111", bump=3_000_000_000)
    lease = machines[0].etcdctl("lease", "grant", "3600").split()[1]
    machines[0].etcdctl("put", f"--lease={lease}", "/event", "as those of Kubernetes")
    there = keys(machines[0])
    exchange(machines, json.loads(offer.text()), first)
    assert "/since/1" not in keys(machines[0])
    seen = status(machines[0])["header"]["revision"]
    aside = on_all(machines, "set-aside", first, setAsideBy=first.id)
    assert len({each["revision"] for each in aside}) == 1
    back = dataclasses.replace(
        first, id="20261128T020000Z-2222", replaces=first.id, bump=seen - aside[0]["revision"] + 1_000_000_000
    )
    exchange(machines, {"setAsideBy": first.id}, back)
    on_all(machines, "end", back)
    assert keys(machines[1]) == there
    assert status(machines[1])["header"]["revision"] > seen


def test_before_anything_has_served_the_old_data_is_put_back_as_it_was(
    machines: list[EtcdMachine], offer: Offer
) -> None:
    there, ids = keys(machines[0]), machines[0].member_ids()
    given_up = dataclasses.replace(RECORD, id="20261128T030000Z-3333")
    on_all(machines, "begin", given_up)
    on_all(machines, "prepare", given_up, source=json.loads(offer.text()))
    # Cut off when two of three had exchanged theirs.
    on_all(machines[:2], "take-data", given_up)
    undo = dataclasses.replace(given_up, undo=True)
    on_all(machines, "begin", undo)
    assert on_all(machines, "put-data-back", undo) == [{"hasData": True}] * 3
    for action in ("start-member", "wait-for-member", "end"):
        on_all(machines, action, undo)
    assert (keys(machines[2]), machines[2].member_ids()) == (there, ids)
