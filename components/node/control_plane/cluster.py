"""The rest of the cluster, as a control plane asks it while it is configured."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from components.node.common.failure import Failure
from components.node.common.https import Trust, request
from components.node.common.kubeadm import API_PORT, api_answers
from components.node.common.log import report
from components.node.common.waiting import wait_until
from components.node.control_plane.load_balancers import check_used, targets_of
from components.node.control_plane.this_machine import ThisMachine
from components.node.etcd.client import EtcdClient
from components.node.etcd.cluster_lock import CONTROL_PLANE_LOCK, cluster_lock
from components.node.etcd.control_plane_access import etcd_of_control_plane
from components.node.etcd.leave import leave_etcd
from components.timings import TARGET_BECOMES_HEALTHY

# Of two others, which each stop an API server in order, start it again and wait for its target.
_TURN_SECONDS = 1750


class Held(Protocol):
    """A turn that this machine has."""

    def check(self) -> None:
        """Raises Failure where it is over: then nothing may be interrupted any more."""


@dataclass(frozen=True)
class Cluster:
    """`sleep` is given the seconds that nobody could be asked about."""

    machine: ThisMachine
    sleep: Callable[[float], None] = time.sleep

    def api_exists(self, host: str) -> bool:
        """Whether an API server answers at `host`, ready or not."""
        return api_server_exists(self.machine.folders.authority, host)

    def api_answers(self, host: str) -> None:
        """Raises Failure unless the API server at `host` is ready."""
        api_answers(self.machine.folders.authority, host)

    def leave_etcd(self) -> None:
        """Removes the etcd member that stands for this machine, if the others know one."""
        leave_etcd(self.machine.name, self.machine.address, self.machine.others)

    def etcd(self) -> EtcdClient:
        """Of all members."""
        documents = self.machine.folders.configuration.read_text()
        return etcd_of_control_plane(documents, self.machine.address, self.machine.others)

    def check_alarms(self) -> None:
        """Raises Alarm where etcd has raised one: it takes no changes then, so neither does the API."""
        self.etcd().unhealthy()

    @contextmanager
    def turn(self) -> Iterator[Held]:
        """One control plane is configured at a time: a change would stop all API servers at once."""
        machine = self.machine
        with cluster_lock(self.etcd(), CONTROL_PLANE_LOCK, machine.name, _TURN_SECONDS) as held:
            try:
                yield held
            except BaseException:
                # What ran before may run again, and the next machine goes on as soon as this one lets it.
                with suppress(Failure):
                    self.wait_for_load_balancers()
                raise
            else:
                self.wait_for_load_balancers()
            finally:
                remove_former_turn(machine)

    def wait_for_load_balancers(self) -> None:
        """Until the load balancers use this machine's API server again. Raises Failure where they don't."""
        machine = self.machine
        try:
            targets_of(machine.target_groups)
        except Failure as failure:
            report(f"the load balancers can't be asked: {failure}")
            report(f"waiting {machine.balancer_notices_seconds:.0f}s, which they need to notice an API server")
            self.sleep(machine.balancer_notices_seconds)
            return
        wait_until(
            TARGET_BECOMES_HEALTHY,
            "the load balancers to use this machine's API server",
            partial(check_used, machine.target_groups, machine.address),
            every=2,
        )


def api_server_exists(authority: Path, host: str, port: int = API_PORT) -> bool:
    """Whether an API server of the cluster of `authority` answers at `host`, ready or not."""
    try:
        request(f"https://{host}:{port}/readyz", trust=Trust(authority), seconds=4)
    except Failure:
        return False
    return True


def remove_former_turn(machine: ThisMachine) -> None:
    """Removes the ConfigMap that was the turn in the releases with shell scripts: a run that was cut off has left it.

    It may go when no cluster of such a release is left to be taken over.
    """
    former = ("configmap", "quorate-configuration", "--namespace", "kube-system")
    try:
        machine.kubectl.run("delete", *former, "--ignore-not-found")
    except Failure as failure:
        report(f"a former release's configmap kube-system/quorate-configuration may be left: {failure}")
