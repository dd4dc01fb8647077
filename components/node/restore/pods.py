"""Static pods that stop for a restore: their manifests move out of the kubelet's sight, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from components.node.common import log
from components.node.common.programs import run
from components.node.common.waiting import NotYet, wait_until

API_SERVER = "kube-apiserver"
CONTROLLERS = ("kube-controller-manager", "kube-scheduler")
MEMBER = "etcd"
_STOP_SECONDS = 180
# Long enough to end in order. The API server would wait much longer for its load balancer, for requests that are lost
# anyway.
_GRACE_SECONDS = {MEMBER: 30}
_GRACE = 5


@dataclass(frozen=True)
class StoppedPods:
    """`manifests` is the kubelet's folder, `aside` one beside it that it does not read."""

    manifests: Path = Path("/etc/kubernetes/manifests")
    aside: Path = Path("/etc/kubernetes/stopped-for-restore")

    def stop(self, components: Sequence[str], seconds: float = _STOP_SECONDS) -> None:
        """Returns when none of them runs. Raises Failure."""
        self.aside.mkdir(mode=0o700, exist_ok=True)
        for component in components:
            if self._manifest(component).exists():
                log.report(f"stopping {component}")
                self._manifest(component).rename(self._stopped(component))
        # What ends a pod whose manifest is gone.
        run(["systemctl", "start", "kubelet"])
        wait_until(seconds, f"{', '.join(components)} to stop", lambda: _end(components))

    def start(self, components: Sequence[str]) -> None:
        """Gives the kubelet back what it had; it starts them in its own time."""
        for component in components:
            if self._stopped(component).exists():
                log.report(f"starting {component}")
                self._stopped(component).rename(self._manifest(component))
        run(["systemctl", "start", "kubelet"])
        if self.aside.is_dir() and not any(self.aside.iterdir()):
            self.aside.rmdir()

    def manifest(self, component: str) -> Path:
        """Where its manifest is now, there or aside."""
        stopped = self._stopped(component)
        return stopped if stopped.exists() else self._manifest(component)

    def _manifest(self, component: str) -> Path:
        return self.manifests / f"{component}.yaml"

    def _stopped(self, component: str) -> Path:
        return self.aside / f"{component}.yaml"


def _end(components: Sequence[str]) -> None:
    """Raises NotYet while one of them runs, or the kubelet would start it again."""
    left = []
    for component in components:
        for container in run(["crictl", "ps", "--quiet", "--state", "Running", "--name", f"^{component}$"]).split():
            grace = _GRACE_SECONDS.get(component, _GRACE)
            run(["crictl", "stop", "--timeout", str(grace), container], seconds=grace + 30)
        # The kubelet ends a pod once it has seen that the manifest is gone.
        if run(["crictl", "pods", "--quiet", "--state", "Ready", "--label", f"component={component}"]).split():
            left.append(component)
    if left:
        raise NotYet(f"the kubelet has not ended {', '.join(left)} yet; see: journalctl --unit kubelet")
