"""All load balancers of the region: they run as the account says, and the account learns what they see."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import threading
from collections.abc import Callable, Collection, Sequence
from functools import cache
from pathlib import Path

from sandbox.cloud.balancer import program
from sandbox.cloud.balancer.config import Groups, backends_of
from sandbox.cloud.balancer.health import Health, health_of
from sandbox.cloud.balancer.names import NodeProbes
from sandbox.cloud.balancer.process import BalancerProcess
from sandbox.cloud.balancer.view import BalancerView, TargetGroupView, TargetHealth
from sandbox.cloud.namespace import run
from sandbox.errors import SandboxError

_LOOK_SECONDS = 1.0


class Balancers:
    """`folder` keeps a folder for each; `report` tells the account the health of all targets, `say` what goes wrong."""

    def __init__(
        self, folder: Path, network: str, report: Callable[[Health], None], say: Callable[[str], None]
    ) -> None:
        self._folder = folder
        self._network = network
        self._program = cache(program.find)
        self._probes = NodeProbes(network, self._nodes)
        self._report = report
        self._say = say
        self._wanted: tuple[Sequence[BalancerView], Groups] | None = None
        self._health: dict[tuple[str, str], TargetHealth] = {}
        self._complaints: dict[str, str] = {}
        self._given: set[str] = set()
        self._wake, self._stopping = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="balancers", daemon=True)

    def start(self) -> None:
        """Follows what `follow` was given last, in the background."""
        self._thread.start()
        self._probes.start()

    def stop(self) -> None:
        """Ends the following; load balancers go on."""
        self._probes.stop()
        self._stopping.set()
        self._wake.set()
        self._thread.join(timeout=30)

    def follow(self, balancers: Sequence[BalancerView], groups: Sequence[TargetGroupView]) -> None:
        """What there is to be from now on. Returns at once."""
        wanted = (tuple(balancers), {group.arn: group for group in groups})
        if wanted != self._wanted:
            self._wanted = wanted
            self._wake.set()

    @property
    def silent(self) -> Collection[str]:
        """Addresses of nodes that do not answer, or have no healthy target."""
        return self._probes.silent

    def _nodes(self) -> list[str]:
        balancers, _ = self._wanted or ((), {})
        return [node.address for balancer in balancers for node in balancer.nodes]

    def _run(self) -> None:
        while not self._stopping.is_set():
            if self._wanted is None:
                # Those of the last supervisor are not to be touched before it is known what there is to be.
                self._wake.wait()
                continue
            self._wake.clear()
            balancers, groups = self._wanted
            self._end_unwanted(balancers)
            seen: dict[tuple[str, str], TargetHealth] = {}
            for balancer in balancers:
                seen |= self._bring_about(balancer, groups)
            if seen != self._health:
                self._tell_changes(seen)
                self._health = seen
            # Also where nothing has changed: a target that was registered again is reported again.
            self._report(seen)
            self._wake.wait(_LOOK_SECONDS if balancers else None)

    def _bring_about(self, balancer: BalancerView, groups: Groups) -> dict[tuple[str, str], TargetHealth]:
        folder = self._folder / balancer.id
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._give_addresses(folder, [node.address for node in balancer.nodes])
            states = BalancerProcess(folder, self._network, self._program()).follow(balancer, groups)
        except (SandboxError, OSError, KeyError, ValueError) as problem:  # the last two: an answer that is cut short
            self._complain(balancer.id, problem)
            behind = {listener.target_group for listener in balancer.listeners}
            return {key: health for key, health in self._health.items() if key[0] in behind}
        if self._complaints.pop(balancer.id, None):
            self._say(f"load balancer {balancer.id} works again")
        return health_of(backends_of(balancer, groups), states, self._health, self._probes.silent)

    def _end_unwanted(self, balancers: Sequence[BalancerView]) -> None:
        wanted = {balancer.id for balancer in balancers}
        for folder in sorted(self._folder.iterdir()) if self._folder.is_dir() else []:
            if folder.name in wanted:
                continue
            try:
                self._give_addresses(folder, [])
                BalancerProcess(folder, self._network, self._program()).end()
                self._say(f"load balancer {folder.name} is gone")
            except (SandboxError, OSError) as problem:
                self._complain(folder.name, problem)

    def _give_addresses(self, folder: Path, wanted: Sequence[str]) -> None:
        """Makes the addresses the namespace's own, and takes those away that it had given before."""
        kept = folder / "addresses.json"
        before: list[str] = json.loads(kept.read_text()) if kept.exists() else []
        if before == list(wanted) and folder.name in self._given:
            return
        self._given.add(folder.name)
        for address in wanted:
            run("ip", "-n", self._network, "address", "replace", f"{ipaddress.IPv4Address(address)}/32", "dev", "lo")
        for address in set(before) - set(wanted):
            with contextlib.suppress(SandboxError):
                run("ip", "-n", self._network, "address", "delete", f"{address}/32", "dev", "lo")
        kept.write_text(json.dumps(list(wanted)))

    def _complain(self, balancer_id: str, problem: Exception) -> None:
        if self._complaints.get(balancer_id) != str(problem):
            self._complaints[balancer_id] = str(problem)
            self._say(f"load balancer {balancer_id}: {problem}")

    def _tell_changes(self, seen: Health) -> None:
        for (group, target), health in sorted(seen.items()):
            before = self._health.get((group, target))
            if before is None or before.state != health.state:
                because = f": {health.description}" if health.description else ""
                self._say(f"target {target} of {group.split('/')[1]} is {health.state}{because}")
