"""The prod stack under test: its machines by name and zone, its etcd, its load balancers' targets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import pytest

from components.ports import API as API_PORT
from components.timings import api_grace
from tests.cluster.account import account_client, instance_ids
from tests.cluster.availability import NAMESPACE, Watch
from tests.cluster.conftest import Workspace, made_workspace
from tests.cluster.on_machines import run_on
from tests.cluster.waiting import until

STACK = "prod"
UP = ("up", "--yes", "--skip-preview", "--stack", STACK)
DESTROY = ("destroy", "--yes", "--skip-preview", "--stack", STACK)
REFRESH = ("refresh", "--yes", "--skip-preview", "--stack", STACK)
POOL = "prod-general"
API = "https://api.prod.quorate.internal:6443"
MEMBERS = tuple(f"prod-etcd-{number}" for number in range(3))
CONTROL_PLANES = tuple(f"prod-control-plane-{number}" for number in range(3))
_API_SERVER = "/etc/kubernetes/manifests/kube-apiserver.yaml"
_PKI = "/etc/etcd/pki"
ETCDCTL = (
    "etcdctl", "--endpoints=https://127.0.0.1:2379",
    f"--cacert={_PKI}/ca.crt", f"--cert={_PKI}/member.crt", f"--key={_PKI}/member.key",
)  # fmt: skip


@dataclass(frozen=True)
class ProdCluster:
    workspace: Workspace

    def instance(self, name: str) -> str:
        (found,) = instance_ids(self.workspace.environment)[name]
        return found

    def workers(self) -> list[str]:
        return instance_ids(self.workspace.environment).get(POOL, [])

    def zone(self, instance_id: str) -> str:
        (reservation,) = self.workspace.ec2().describe_instances(InstanceIds=[instance_id])["Reservations"]
        return str(reservation["Instances"][0]["Placement"]["AvailabilityZone"])

    def worker_outside(self, zone: str) -> str:
        return next(worker for worker in self.workers() if self.zone(worker) != zone)

    def run(self, name: str, script: str, seconds: float = 60) -> str:
        """What a shell script says on a machine. Fails where it fails."""
        outcome = run_on(self.instance(name), "bash", "-euo", "pipefail", "-c", script, seconds=seconds)
        assert outcome.returncode == 0, f"{name}: {script}: {outcome.stdout}{outcome.stderr}"
        return outcome.stdout

    def nodes(self) -> dict[str, bool]:
        """Whether each node is Ready."""
        listed = json.loads(self.workspace.kubectl("get", "nodes", "-o", "json", "--request-timeout=10s"))
        return {
            node["metadata"]["name"]: condition["status"] == "True"
            for node in listed["items"]
            for condition in node["status"]["conditions"]
            if condition["type"] == "Ready"
        }

    def nodes_if_told(self) -> dict[str, bool]:
        """As `nodes`; nothing where kubectl has no answer in time, as the kind of object it asks for may still hang."""
        try:
            return self.nodes()
        # pytest's own failure.
        except pytest.fail.Exception:
            return {}

    def target_health(self) -> list[str]:
        """The health of every target of every load balancer."""
        balancers: Any = account_client(self.workspace.environment, "elbv2")
        return [
            str(target["TargetHealth"]["State"])
            for group in balancers.describe_target_groups()["TargetGroups"]
            for target in balancers.describe_target_health(TargetGroupArn=group["TargetGroupArn"])[
                "TargetHealthDescriptions"
            ]
        ]

    def etcd(self, *arguments: str, at: str = MEMBERS[0]) -> Any:
        """What etcdctl answers on a member's machine, asked of that member."""
        command = (*ETCDCTL, "--write-out=json", *arguments)
        outcome = run_on(self.instance(at), *command)
        assert outcome.returncode == 0, f"{at}: etcdctl {' '.join(arguments)}: {outcome.stderr}"
        return json.loads(outcome.stdout)

    def member_ids(self, at: str = MEMBERS[0]) -> dict[str, int]:
        return {str(member["name"]): int(member["ID"]) for member in self.etcd("member", "list", at=at)["members"]}

    def leader(self, at: str = MEMBERS[0]) -> str:
        """The machine whose member leads."""
        (status,) = self.etcd("endpoint", "status", at=at)
        names = {number: name for name, number in self.member_ids(at).items()}
        return f"{STACK}-{names[status['Status']['leader']]}"

    def leading_control_plane(self) -> str:
        """The machine whose controller manager leads."""
        lease = self.workspace.kubectl("get", "lease", "-n", "kube-system", "kube-controller-manager", "-o", "json")
        return f"{STACK}-{json.loads(lease)['spec']['holderIdentity'].partition('_')[0]}"

    def hashes(self) -> set[int]:
        """The hash of each member's data, of one revision that all of them have."""
        revision = min(
            int(self.etcd("endpoint", "status", at=member)[0]["Status"]["header"]["revision"]) for member in MEMBERS
        )
        found = (self.etcd("endpoint", "hashkv", f"--rev={revision}", at=member) for member in MEMBERS)
        return {int(answer[0]["HashKV"]["hash"]) for answer in found}

    def objects(self) -> set[str]:
        """Names of the objects that the clients of a watch have written."""
        listed = self.workspace.kubectl("get", "configmaps", "-n", NAMESPACE, "-o", "name")
        return {line.removeprefix("configmap/") for line in listed.splitlines()}

    def assert_nothing_is_lost(self, watch: Watch) -> None:
        missing = watch.written() - self.objects()
        assert not missing, f"written, the API said, and not there: {sorted(missing)}"

    def is_well(self) -> bool:
        return (
            len(self.workers()) == 3
            and list(self.nodes_if_told().values()) == [True] * 6
            and self.target_health() == ["healthy"] * 6
            and all(run_on(self.instance(member), *ETCDCTL, "endpoint", "health").returncode == 0 for member in MEMBERS)
        )


def api_server_stopped(prod: ProdCluster, name: str) -> None:
    """Has the kubelet stop it in good order; returns when it has ended."""
    prod.run(name, f"mv {_API_SERVER} /root/")
    until(lambda: not _has_api_server(prod, name), "the API server has ended", api_grace() + 30)


def api_server_started(prod: ProdCluster, name: str) -> None:
    """Has the kubelet start what was stopped; returns at once."""
    prod.run(name, f"mv /root/{PurePath(_API_SERVER).name} {_API_SERVER}")


def crash_api_server(prod: ProdCluster, name: str) -> None:
    """Ends it without any order; the kubelet starts it again."""
    prod.run(name, "crictl stop --timeout 0 $(crictl ps --quiet --name '^kube-apiserver$')")


def _has_api_server(prod: ProdCluster, name: str) -> bool:
    """Whether a process on the machine listens where an API server does."""
    return "kube-apiserver" in prod.run(name, f"ss --no-header --listening --tcp --processes 'sport = :{API_PORT}'")


def every_node_is_ready(workspace: Workspace) -> None:
    nodes = json.loads(workspace.kubectl("get", "nodes", "-o", "json"))["items"]
    ready = {
        node["metadata"]["name"]
        for node in nodes
        for condition in node["status"]["conditions"]
        if condition["type"] == "Ready" and condition["status"] == "True"
    }
    assert {"control-plane-0", "control-plane-1", "control-plane-2"} < ready
    assert len(ready) == len(nodes) == 6
    assert "readyz check passed" in workspace.kubectl("get", "--raw", "/readyz?verbose")


@contextmanager
def made_prod(tmp_path_factory: pytest.TempPathFactory, **etcd: object) -> Iterator[ProdCluster]:
    """The prod stack, up, in a workspace of its own; destroyable, and with a namespace for the clients of a watch.

    `etcd` has further settings of that group.
    """
    with made_workspace(tmp_path_factory, STACK) as workspace:
        for key, value in {"protectVolumes": False, **etcd}.items():
            workspace.set("etcd", key, value)
        if not workspace.state()["deployment"].get("resources"):
            workspace.pulumi(*UP)
        workspace.kubectl("create", "namespace", NAMESPACE)
        yield ProdCluster(workspace)
