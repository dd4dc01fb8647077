"""The static pods of a control plane: written by kubeadm, restarted by the kubelet, put back where they don't start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.node.common import log
from components.node.common.failure import Failure
from components.node.common.files import content_of
from components.node.common.log import report
from components.node.common.programs import run, stream
from components.node.common.units import complaints, remedy_for, wait_for_unit
from components.node.common.waiting import NotYet, wait_until
from components.node.control_plane.phases import indented, run_phase
from components.node.control_plane.this_machine import ThisMachine
from components.node.etcd.member_remedies import STACKED_REMEDIES

COMPONENTS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
START_SECONDS = 180


@dataclass(frozen=True)
class StaticPods:
    """Those of `machine`. Each may take `seconds` to stop and to start again."""

    machine: ThisMachine
    seconds: float = START_SECONDS

    def revive_api_server(self) -> None:
        """Waits for the API server of this machine.

        One that a setting keeps from starting can't be asked about the next setting: it gets that one's manifest first.
        """
        try:
            self.wait_for_api_server("to be ready")
        except Failure as unmet:
            report(str(unmet))
            report("rewriting the manifests of the static pods for the current settings")
            self._write_manifests()
            try:
                self.wait_for_api_server("to be ready")
            except Failure as still:
                raise Failure(f"{still}{self._why_etcd_does_not_run()}") from still

    def wait_for_api_server(self, state: str) -> None:
        own = self.machine.kubectl.at(self.machine.address)
        wait_for_unit("kubelet", self.seconds, f"the API server of this machine {state}", own.api_is_ready)

    def _why_etcd_does_not_run(self) -> str:
        """etcd's own last warnings and errors, and the remedy; "" where it runs, or has machines of its own."""
        if not self._path("etcd").exists():
            return ""
        try:
            ended = run(["crictl", "ps", "--all", "--quiet", "--state", "Exited", "--name", "^etcd$"]).split()
            if not ended or run(["crictl", "ps", "--quiet", "--state", "Running", "--name", "^etcd$"]).split():
                return ""
            # crictl writes what a container wrote to its standard error to its own.
            said = complaints(run(["sh", "-c", f"crictl logs --tail 300 {ended[0]} 2>&1"]).splitlines())
        except Failure as failure:
            return f". Why etcd does not run can't be found out: {failure}"
        remedy = remedy_for("\n".join(said), STACKED_REMEDIES)
        return (
            f". etcd does not run on this machine; its last warnings and errors: {' / '.join(said)}. {remedy}".rstrip()
        )

    def apply(self) -> None:
        """Writes the manifests and waits for what they restart. Raises Failure, with what ran before running again,
        where a component doesn't start.
        """
        before = self._manifests()
        hashes = {component: self._running_hash(component) for component in before}
        self._write_manifests()
        after = self._manifests()
        for component in before:
            if after.get(component) == before[component]:
                continue
            report(f"{component} restarts with its new arguments")
            try:
                self._wait_for_restart(component, hashes[component])
            except Failure as unmet:
                self._put_back(component, str(unmet), before)

    def _manifests(self) -> Mapping[str, str]:
        found = ((component, content_of(self._path(component))) for component in COMPONENTS)
        return {component: text for component, text in found if text is not None}

    def _write_manifests(self) -> None:
        if self._path("etcd").exists():
            run_phase(self.machine, "etcd", "local")
        run_phase(self.machine, "control-plane", "all")

    def _running_hash(self, component: str) -> str:
        try:
            return running_hash(self._pod(component))
        except Failure:
            return ""

    def _wait_for_restart(self, component: str, before: str) -> None:
        what = f"{component} to run with its new arguments"
        wait_until(self.seconds, what, lambda: check_restarted(self._pod(component), before))

    def _put_back(self, component: str, unmet: str, manifests: Mapping[str, str]) -> None:
        report(unmet)
        report(f"the last lines of {component}:")
        _show_last_lines(component)
        for name, text in manifests.items():
            path = self._path(name)
            # In place, as kubeadm does: the kubelet runs whatever else lies beside them. Only root reads them.
            path.write_text(text)
            path.chmod(0o600)
        self.wait_for_api_server("to be ready, with the arguments that it had before")
        raise Failure(
            f"{component} does not run with its new arguments; those that it had before are back in place. "
            "Fix the settings named above, then run pulumi up again"
        )

    def _pod(self, component: str) -> Mapping[str, Any]:
        pod = self.machine.kubectl.read("pod", f"{component}-{self.machine.name}", "--namespace", "kube-system")
        assert isinstance(pod, dict)
        return pod

    def _path(self, component: str) -> Path:
        return self.machine.folders.manifests / f"{component}.yaml"


def running_hash(pod: Mapping[str, Any]) -> str:
    """The kubelet gives the mirror pod of a static pod the hash of the manifest that it runs."""
    return str(pod["metadata"].get("annotations", {}).get("kubernetes.io/config.hash", ""))


def check_restarted(pod: Mapping[str, Any], before: str) -> None:
    """Raises NotYet unless the pod is ready by another manifest than that with the hash `before`."""
    now = running_hash(pod)
    conditions = pod.get("status", {}).get("conditions", [])
    ready = next((condition["status"] for condition in conditions if condition["type"] == "Ready"), "unknown")
    if not now or now == before or ready != "True":
        raise NotYet(f"hash {now or 'unknown'} (before: {before or 'unknown'}), ready: {ready}")


def _show_last_lines(component: str) -> None:
    try:
        containers = run(["crictl", "ps", "--all", "--quiet", "--name", f"^{component}$"]).split()
    except Failure as failure:
        report(str(failure))
        return
    if containers:
        stream(["crictl", "logs", "--tail", "5", containers[0]], shown=indented)
    else:
        log.write("  it has no container\n")
