"""The machines of a stack as an operator reaches them, each playing the node program's part of a restore."""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from components.node.etcd.snapshot.fetch import Offer
from components.node.etcd.snapshot.manifest import Manifest
from components.plan import Plan
from operations.backups.snapshots import Snapshot
from operations.errors import OperationFailed
from operations.remote.machines import CommandFailed, NotReached, Outcomes
from operations.restore.call import Call, Operator

T = TypeVar("T")
GIB = 1024**3
NOW = 1_796_040_000  # 2026-11-30T12:00:00Z
MANIFEST = Manifest(
    id="20261130T060000Z-etcd-1",
    retention="daily",
    cluster="prod",
    machine="etcd-1",
    time="2026-11-30T06:00:00Z",
    etcd_version="3.6.14",
    kubernetes_version="v1.36.4",
    revision=5000,
    hash=4711,
    compact_revision=4000,
    keys=900,
    bytes=GIB,
    sha256="0" * 64,
    secrets_keys=["secretbox:key1"],
    etcd_authorities=["etcd-ca"],
    kubernetes_authorities=["kubernetes-ca"],
    compared_with=["https://10.0.0.10:2379"],
)
OLDER = dataclasses.replace(
    MANIFEST, id="20261129T060000Z-etcd-0", time="2026-11-29T06:00:00Z", revision=3000, keys=800
)


@dataclass
class Host:
    """A machine's state. `data` is what etcd has, "" where it has none; `aside` what is set aside, by a restore's id.

    `runs` says whether its API server and its member run.
    """

    is_control_plane: bool
    holds_member: bool
    data: str = "living"
    prepared: str = ""
    aside: dict[str, str] = field(default_factory=dict)
    record: dict[str, Any] | None = None
    api_runs: bool = True
    controllers_run: bool = True
    etcd_runs: bool = True
    revision: int = 7000
    keys: int = 1000
    told: dict[str, Any] = field(default_factory=dict)


@dataclass
class Fleet:
    """`broken` are calls (machine, action) that fail, once each; `silent` machines can't be reached. `changes` are the
    actions that changed something, in their order, each once for all machines that took it together.
    """

    plan: Plan
    hosts: dict[str, Host]
    broken: dict[tuple[str, str], OperationFailed] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)
    calls: list[tuple[str, str]] = field(default_factory=list)
    given: list[dict[str, Any]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    restored_keys: int | None = None
    seconds: Iterator[int] = field(default_factory=lambda: itertools.count(NOW))

    @property
    def changes(self) -> list[str]:
        return list(dict.fromkeys(action for _, action in self.calls))

    def fails(self, name: str, action: str, why: str = "no room on the disk") -> None:
        self.broken[name, action] = CommandFailed(f"{name}: `{action}` ended with 1: {why}", 1)

    def call(self, typed: str = "", answer: str = "") -> Call:
        def ask(question: str) -> str:
            self.asked.append(question)
            return answer

        # Each look at the clock is a second later than the one before.
        return Call(self.plan, self, Operator(typed, self.lines.append, ask, lambda: next(self.seconds)))

    def ask(self, name: str, argv: Sequence[str], stdin: bytes = b"", seconds: float = 120) -> str:
        program, step, action = argv
        assert (program, step) == ("/opt/quorate/bin/quorate-node", "restore")
        host = self._reached(name, action)
        if action == "evidence":
            return f"12:00:00 restore: looking\n{json.dumps({**self._evidence(name, host), **host.told})}\n"
        assert action == "set-aside"
        data = host.aside[json.loads(stdin)["setAsideBy"]]
        return json.dumps({"revision": 7000 + len(data)})

    def run(self, name: str, argv: Sequence[str], stdin: bytes = b"", seconds: float | None = None) -> str:
        action = argv[-1]
        self.calls.append((name, action))
        host = self._reached(name, action)
        if action == "wait-restored":
            assert all(each.api_runs and each.controllers_run for each in self._control_planes())
            return "12:00:00 wait-restored: controllers act"
        given = json.loads(stdin)
        self.given.append(given)
        found = getattr(self, "_" + action.replace("-", "_"))(name, host, given)
        return f"12:00:00 restore: done\n{json.dumps(found) if found else ''}"

    def on_all(self, names: Iterable[str], work: Callable[[str], T]) -> Outcomes[T]:
        done: dict[str, T] = {}
        failed: dict[str, OperationFailed] = {}
        for name in names:
            try:
                done[name] = work(name)
            except OperationFailed as failure:
                failed[name] = failure
        return Outcomes(done, failed)

    def data(self) -> set[str]:
        """What the members have."""
        return {host.data for host in self._members()}

    def everything_runs(self) -> bool:
        return all(host.api_runs and host.controllers_run for host in self._control_planes()) and all(
            host.etcd_runs for host in self._members()
        )

    def _reached(self, name: str, action: str) -> Host:
        if name in self.silent:
            raise NotReached(f"{name} can't be reached by SSH: timed out")
        if failure := self.broken.pop((name, action), None):
            raise failure
        return self.hosts[name]

    def _members(self) -> list[Host]:
        return [host for host in self.hosts.values() if host.holds_member]

    def _control_planes(self) -> list[Host]:
        return [host for host in self.hosts.values() if host.is_control_plane]

    def _evidence(self, name: str, host: Host) -> dict[str, Any]:
        serves = host.etcd_runs and bool(host.data)
        member = {
            "why": "" if serves else "connection refused",
            "revision": host.revision if serves else 0,
            "keys": host.keys if serves else 0,
            "bytes": GIB if serves else 0,
            "version": "3.6.14",
            "authorities": ["etcd-ca"],
            "hasData": bool(host.data),
            "freeBytes": 20 * GIB,
            "setAside": {id: bool(data) for id, data in host.aside.items()},
        }
        control_plane = {
            "why": "" if host.api_runs else "connection refused",
            "hasApiServer": True,
            "kubernetesVersion": "1.36.4",
            "authorities": ["kubernetes-ca"],
            "secretsKeys": ["secretbox:key1"],
        }
        return {
            "machine": name,
            "cluster": "prod",
            "record": host.record,
            "member": member if host.holds_member else None,
            "controlPlane": control_plane if host.is_control_plane else None,
        }

    def _begin(self, name: str, host: Host, given: dict[str, Any]) -> None:
        assert host.record is None or host.record["id"] in (given["record"]["id"], given["record"]["replaces"])
        host.record = given["record"]

    def _prepare(self, name: str, host: Host, given: dict[str, Any]) -> None:
        if given["record"]["id"] in host.aside:
            return
        source = given["source"]
        host.prepared = host.aside[source["setAsideBy"]] if "setAsideBy" in source else source["manifest"]["id"]

    def _stop_api(self, name: str, host: Host, given: dict[str, Any]) -> None:
        host.api_runs = host.controllers_run = False

    def _take_data(self, name: str, host: Host, given: dict[str, Any]) -> None:
        self._nobody_serves()
        if given["record"]["id"] in host.aside:
            return
        assert host.prepared
        host.etcd_runs = False
        host.aside[given["record"]["id"]] = host.data
        host.data, host.prepared = host.prepared, ""
        host.revision = MANIFEST.revision + given["record"]["bump"]
        host.keys = self.restored_keys or MANIFEST.keys

    def _put_data_back(self, name: str, host: Host, given: dict[str, Any]) -> dict[str, Any]:
        self._nobody_serves()
        host.etcd_runs = False
        if given["record"]["id"] in host.aside:
            host.data = host.aside.pop(given["record"]["id"])
        return {"hasData": bool(host.data)}

    def _start_member(self, name: str, host: Host, given: dict[str, Any]) -> None:
        others = [each for each in self._members() if each is not host]
        assert all(each.data in ("", host.data) or not each.etcd_runs for each in others), "members of two clusters run"
        host.etcd_runs = True

    def _wait_for_member(self, name: str, host: Host, given: dict[str, Any]) -> dict[str, Any]:
        return {"member": name, "revision": host.revision}

    def _held(self, name: str, host: Host, given: dict[str, Any]) -> dict[str, Any]:
        return {"hash": len(host.data), "compacted": given["revision"], "keys": host.keys}

    def _start_api_server(self, name: str, host: Host, given: dict[str, Any]) -> None:
        assert len(self.data() - {""}) == 1, "an API server starts when all members have the same"
        assert host.record
        host.record = {**host.record, "serves": not host.record["undo"]}
        host.api_runs = True

    def _bring_nodes_back(self, name: str, host: Host, given: dict[str, Any]) -> None:
        assert host.api_runs

    def _start_controllers(self, name: str, host: Host, given: dict[str, Any]) -> None:
        assert all(each.api_runs for each in self._control_planes()), "controllers start after all API servers"
        host.controllers_run = True

    def _end(self, name: str, host: Host, given: dict[str, Any]) -> None:
        host.record, host.prepared = None, ""

    def _nobody_serves(self) -> None:
        assert not any(host.api_runs for host in self._control_planes()), "data is exchanged below an API server"


def fleet(plan: Plan) -> Fleet:
    """All of whose machines serve."""
    machines = {machine.name: machine for machine in plan.control_planes} | {
        machine.name: machine for machine in plan.members
    }
    hosts = {
        name: Host(is_control_plane=machine in plan.control_planes, holds_member=machine in plan.members)
        for name, machine in machines.items()
    }
    return Fleet(plan, hosts)


@dataclass
class Bucket:
    """The snapshots that there are, the newest first."""

    manifests: list[Manifest] = field(default_factory=lambda: [MANIFEST, OLDER])

    def __str__(self) -> str:
        return "bucket quorate-prod-1 in eu-central-1"

    def reader(self) -> str:
        return "arn:aws:iam::111122223333:user/ops"

    def snapshots(self) -> Sequence[Snapshot]:
        return [Snapshot(f"{manifest.retention}/{manifest.id}", manifest) for manifest in self.manifests]

    def offer(self, snapshot: Snapshot) -> Offer:
        assert snapshot.manifest
        return Offer(f"https://bucket.s3.test/{snapshot.key}?X-Amz-Signature=0123456789abcdef", snapshot.manifest)
