"""Requests that last: watches, `logs --follow` and `exec` through the load balancer, and how each of them ended."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.cluster.availability import NAMESPACE
from tests.cluster.on_machines import command_on
from tests.cluster.prod_cluster import ProdCluster
from tests.cluster.waiting import until
from tests.cluster.workload import apply, pod
from tests.sandbox_cli import CHECKOUT

NUMBERS: Mapping[str, int] = {"watch": 12, "logs": 6, "exec": 6}
_TALKER = "talker"
_TALKS = "while sleep 1; do echo still here; done"
# How a request ends that nobody cut: a watch and an exec at their own end, `logs --follow` when `timeout` stops it.
_WHOLE: Mapping[str, int] = {"watch": 0, "logs": 124, "exec": 0}
_OPEN_SECONDS = 90
_AFTER_SECONDS = 60


@dataclass(frozen=True)
class Ended:
    """How a request ended: its program's exit status, after so many seconds."""

    kind: str
    status: int
    after: int

    @property
    def whole(self) -> bool:
        return self.status == _WHOLE[self.kind]


@dataclass(frozen=True)
class Ends:
    """How all ended, and what their programs complained of."""

    requests: Sequence[Ended]
    complaints: str

    def cut(self, kind: str) -> list[Ended]:
        return [one for one in self.requests if one.kind == kind and not one.whole]

    def __str__(self) -> str:
        cut = {kind: sorted(one.after for one in self.cut(kind)) for kind in NUMBERS}
        told = (f"{len(cut[kind])} of {n} {kind}" + _after(cut[kind]) for kind, n in NUMBERS.items())
        return "cut: " + ", ".join(told)


def _after(seconds: Sequence[int]) -> str:
    return f" after {seconds[0]} to {seconds[-1]} s" if seconds else ""


@dataclass(frozen=True)
class LongRequests:
    """Requests that are open, and last `seconds` from their beginning."""

    process: subprocess.Popen[str]
    seconds: int

    def ends(self) -> Ends:
        """When all have ended."""
        said, complaints = self.process.communicate(timeout=self.seconds + _AFTER_SECONDS)
        requests = [Ended(kind, int(status), int(after)) for kind, status, after in map(str.split, said.splitlines())]
        assert {kind: sum(one.kind == kind for one in requests) for kind in NUMBERS} == NUMBERS, (said, complaints)
        return Ends(requests, complaints)


def apply_talker(prod: ProdCluster, worker: str) -> None:
    """A pod on that worker whose log grows each second; returns when it runs."""
    spec = pod([], nodeName=f"general-{worker}")
    spec["containers"][0]["command"] = ["sh", "-c", _TALKS]
    metadata = {"name": _TALKER, "namespace": NAMESPACE}
    prod.workspace.kubectl("delete", "pod", "-n", NAMESPACE, _TALKER, "--ignore-not-found", "--wait", "--timeout=60s")
    apply(prod.workspace, {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
    prod.workspace.kubectl("wait", "-n", NAMESPACE, f"pod/{_TALKER}", "--for=condition=Ready", "--timeout=120s")


def begin_long_requests(prod: ProdCluster, machine: str, seconds: int) -> LongRequests:
    """Opens them on a control plane's machine, by the API's name; needs `apply_talker`. Returns when all are open."""
    kubectl = f"kubectl --kubeconfig /etc/kubernetes/admin.conf --namespace {NAMESPACE}"
    commands = {
        "watch": f"{kubectl} get --raw '/api/v1/configmaps?watch=1&timeoutSeconds={seconds}'",
        "logs": f"timeout {seconds} {kubectl} logs --follow --since 5s {_TALKER}",
        "exec": f"{kubectl} exec {_TALKER} -- sh -c 'echo open; sleep {seconds}'",
    }
    loops = "\n".join(
        f"for number in $(seq {NUMBERS[kind]}); do one {kind} $number {command} & done"
        for kind, command in commands.items()
    )
    script = f"""
        rm -rf /run/long-requests; mkdir /run/long-requests
        one() {{
            local kind=$1 file=/run/long-requests/$1-$2 status=0
            shift 2
            SECONDS=0
            "$@" >"$file" || status=$?
            echo "$kind $status $SECONDS"
        }}
        {loops}
        wait
    """
    process = subprocess.Popen(
        command_on(prod.instance(machine), "bash", "-uo", "pipefail", "-c", script),
        cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    open_ones = "find /run/long-requests -type f -size +0 | wc -l"
    wanted = sum(NUMBERS.values())
    until(lambda: int(prod.run(machine, open_ones)) == wanted, f"all {wanted} requests are open", _OPEN_SECONDS)
    return LongRequests(process, seconds)
