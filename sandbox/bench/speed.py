"""How long `pulumi up` of a stack takes, by parts, beside the same steps done by hand; and what the cluster uses."""

from __future__ import annotations

import resource
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sandbox import image, status
from sandbox.bench import machine
from sandbox.bench.by_hand import by_hand, prepared_machines
from sandbox.bench.control_groups import MachineUse, added, use_of
from sandbox.bench.footprint import cpu_seconds, descendants_of, memory_kib, parents
from sandbox.bench.program import Program
from sandbox.bench.timeline import Timeline, timeline
from sandbox.errors import SandboxError
from sandbox.trial import INSTANCE, booted

Say = Callable[[str], None]
_REST_SECONDS = 20


@dataclass(frozen=True)
class UpRun:
    """One `pulumi up`: its times, and what was in use when it had ended."""

    times: Timeline
    machines: int
    use: MachineUse
    cores_at_rest: float
    pulumi_cpu_seconds: float
    sandbox_cpu_seconds: float
    sandbox_mib: float

    @property
    def total(self) -> float:
        return sum(self.times.parts.values())


@dataclass(frozen=True)
class Measurement:
    """All runs. `boot_cpu_seconds` is what a bare machine cost each time: compare only measurements that are near."""

    ups: Sequence[UpRun]
    hands: Sequence[Mapping[str, float]]
    boot_cpu_seconds: Sequence[float]


def measure(program: Program, runs: int, say: Say) -> Measurement:
    """Runs the three kinds in turn, so that a drift of the host's speed meets them all."""
    ups, hands, boots = [], [], []
    for number in range(1, runs + 1):
        boots.append(boot_cpu_seconds())
        say(f"run {number} of {runs}: a bare machine booted with {boots[-1]:.1f} s of CPU time")
        ups.append(_one_up(program))
        say(
            f"run {number} of {runs}: `pulumi up` took {ups[-1].total:.1f} s, of which "
            f"{ups[-1].times.boot_to_ready:.1f} s from the last machine's boot to every node Ready"
        )
        hands.append(_one_by_hand(program))
        say(f"run {number} of {runs}: by hand it took {sum(hands[-1].values()):.1f} s on prepared machines")
    return Measurement(ups, hands, boots)


def boot_cpu_seconds() -> float:
    """CPU time of a machine of the image from nothing until systemd has started all."""
    with tempfile.TemporaryDirectory(prefix="quorate-boot-") as name:
        site = Path(name) / "site"
        site.mkdir()
        with booted(Path(name), image.ensure(lambda _: None), site, say=lambda _: None) as trial:
            trial.wait_for("systemctl", "is-system-running")
            return use_of(INSTANCE).cpu_seconds


def _one_up(program: Program) -> UpRun:
    try:
        sandbox_before, pulumi_before = _sandbox_use()[0], _children_cpu_seconds()
        start = time.monotonic()
        moments = program.recorded_up()
        end = time.monotonic()
        pulumi_cpu_seconds = _children_cpu_seconds() - pulumi_before
        sandbox_now, sandbox_mib = _sandbox_use()
        fleet = machine.fleet(program.settings.cluster.name)
        use = added([use_of(instance) for instance in fleet.everyone])
        cores_at_rest = _cores_at_rest(fleet.everyone)
        machines = [machine.times(instance, instance not in fleet.bastions) for instance in fleet.everyone]
        return UpRun(
            timeline(start, moments, machines, end),
            len(fleet.everyone),
            use,
            cores_at_rest,
            pulumi_cpu_seconds,
            sandbox_now - sandbox_before,
            sandbox_mib,
        )
    finally:
        program.destroy()


def _one_by_hand(program: Program) -> Mapping[str, float]:
    try:
        return by_hand(prepared_machines(program), program.settings)
    finally:
        program.destroy()


def _cores_at_rest(instances: Sequence[str]) -> float:
    """How many cores the machines keep busy when nothing is asked of them."""
    before, began = added([use_of(instance) for instance in instances]), time.monotonic()
    time.sleep(_REST_SECONDS)
    after = added([use_of(instance) for instance in instances])
    return (after.cpu_seconds - before.cpu_seconds) / (time.monotonic() - began)


def _children_cpu_seconds() -> float:
    """Of all processes that this one has started and waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _sandbox_use() -> tuple[float, float]:
    """CPU seconds so far and memory (MiB) of the supervisor and its children."""
    found = status.running()
    if found is None:
        raise SandboxError(f"the supervisor is gone; see {status.log_file()}")
    family = {found.pid} | descendants_of(found.pid, parents())
    return sum(map(cpu_seconds, family)), sum(map(memory_kib, family)) / 1024
