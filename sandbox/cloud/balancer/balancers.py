"""All load balancers of the region: they run as the account says, and the account learns what they see."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from sandbox.cloud.balancer import findings, predecessors, program
from sandbox.cloud.balancer.config import Groups, Route, routes_of
from sandbox.cloud.balancer.findings import Findings, Key
from sandbox.cloud.balancer.health import Health, health_of
from sandbox.cloud.balancer.names import NodeProbes
from sandbox.cloud.balancer.process import BalancerProcess
from sandbox.cloud.balancer.runtime import Runtime, States, all_failing, cut, forward
from sandbox.cloud.balancer.view import BalancerView, TargetGroupView, TargetHealth
from sandbox.cloud.faults import FAILING_CHECKS, SLOW_BALANCERS
from sandbox.cloud.namespace import run
from sandbox.errors import SandboxError

_LOOK_SECONDS = 0.5


class Balancers:
    """`folder` keeps a folder for each; `report` tells the account the health of all targets, `say` what goes wrong.

    `faults` gives those that hold for load balancers now.
    """

    def __init__(
        self,
        folder: Path,
        network: str,
        report: Callable[[Health], None],
        say: Callable[[str], None],
        faults: Callable[[], Collection[str]] = tuple,
    ) -> None:
        self._folder = folder
        self._network = network
        self._program = cache(program.find)
        self._probes = NodeProbes(network, self._nodes)
        self._report = report
        self._say = say
        self._faults = faults
        self._wanted: tuple[Sequence[BalancerView], Groups] | None = None
        self._health: dict[tuple[str, str], TargetHealth] = {}
        self._complaints: dict[str, str] = {}
        self._given: set[str] = set()
        self._findings: dict[str, Findings] = {}
        self._cut_at: dict[Key, float] = {}
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
            self.wake()

    def wake(self) -> None:
        """Something that it follows has changed."""
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
            return self._forward(BalancerProcess(folder, self._network, self._program()), balancer, groups)
        except (SandboxError, OSError, KeyError, ValueError) as problem:  # the last two: an answer that is cut short
            self._complain(balancer.id, problem)
            behind = {listener.target_group for listener in balancer.listeners}
            return {key: health for key, health in self._health.items() if key[0] in behind}

    def _forward(
        self, process: BalancerProcess, balancer: BalancerView, groups: Groups
    ) -> dict[tuple[str, str], TargetHealth]:
        now, faults = time.time(), self._faults()
        slow = SLOW_BALANCERS in faults
        before = self._known(balancer.id)
        groups = _without(groups, findings.registering(groups, routes_of(balancer, groups), before, now, slow))
        routes = routes_of(balancer, groups)
        states = process.follow(balancer, groups, before)
        seen = all_failing(states) if FAILING_CHECKS in faults else states
        found = findings.noted(before, routes, seen, now, slow)
        if found != before:
            findings.save(self._file(balancer.id), found)
            self._findings[balancer.id] = found
        self._lead(process.runtime, routes, states, found, now)
        if self._complaints.pop(balancer.id, None):
            self._say(f"load balancer {balancer.id} works again")
        return health_of(routes, seen, found, self._health, now, self._probes.silent)

    def _lead(self, runtime: Runtime, routes: Sequence[Route], states: States, found: Findings, now: float) -> None:
        """New connections and those that there are go on, or do not, as the findings say."""
        ended: set[Key] = set()
        for route in routes:
            receivers, _ = findings.receivers(route, found)
            forward(runtime.ask, route.forwards, receivers, states)
            ending = findings.to_be_cut(route, found, self._cut_at, now)
            cut(runtime.ask, route.forwards, ending)
            ended |= {(route.forwards.name, name) for name in ending}
        earlier = predecessors.held(runtime.ask_parent)
        predecessors.end(
            runtime.ask_parent, predecessors.to_be_ended(earlier, [route.forwards for route in routes], ended)
        )
        self._cut_at |= dict.fromkeys(ended, now)

    def _known(self, balancer_id: str) -> Findings:
        if balancer_id not in self._findings:
            self._findings[balancer_id] = findings.load(self._file(balancer_id))
        return self._findings[balancer_id]

    def _file(self, balancer_id: str) -> Path:
        return self._folder / balancer_id / "findings.json"

    def _end_unwanted(self, balancers: Sequence[BalancerView]) -> None:
        wanted = {balancer.id for balancer in balancers}
        for folder in sorted(self._folder.iterdir()) if self._folder.is_dir() else []:
            if folder.name in wanted:
                continue
            try:
                self._give_addresses(folder, [])
                BalancerProcess(folder, self._network, self._program()).end()
                self._findings.pop(folder.name, None)
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


def _without(groups: Groups, absent: Collection[tuple[str, str]]) -> Groups:
    return {
        arn: replace(group, targets=tuple(t for t in group.targets if (arn, t.address) not in absent))
        for arn, group in groups.items()
    }
