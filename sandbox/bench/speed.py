"""How long `pulumi up --stack education` takes, by parts, beside the same kubeadm steps done by hand."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox import image, supervisor
from sandbox.bench import machine, timeline
from sandbox.bench.control_groups import MachineUse, use_of
from sandbox.bench.footprint import all_processes, descendants_of, status_field
from sandbox.bench.program import Program, PulumiFailed
from sandbox.bench.tables import seconds, table
from sandbox.errors import SandboxError
from sandbox.image.trial import INSTANCE, booted

Say = Callable[[str], None]
_RUNS_KUBEADM = "configure-control-plane.sh"
_STOPPED = "the machine is prepared; stopped before kubeadm, as the measurement wants"


@dataclass(frozen=True)
class UpRun:
    """One `pulumi up`: its parts, what the machine did meanwhile, and memory when it had ended."""

    parts: Mapping[str, float]
    machine: Mapping[str, float]
    node: MachineUse
    sandbox_mib: float

    @property
    def total(self) -> float:
        return sum(self.parts.values())

    @property
    def within_kubeadm(self) -> float:
        return sum(self.parts[name] for name in timeline.WITHIN_KUBEADM)


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
        say(f"run {number} of {runs}: `pulumi up` took {ups[-1].total:.1f} s")
        hands.append(_one_by_hand(program))
        say(f"run {number} of {runs}: by hand it took {sum(hands[-1].values()):.1f} s on a prepared machine")
    return Measurement(ups, hands, boots)


def boot_cpu_seconds() -> float:
    """CPU time of a machine of the image from nothing until systemd has started all."""
    with tempfile.TemporaryDirectory(prefix="quorate-boot-") as name:
        site = Path(name) / "site"
        site.mkdir()
        with booted(Path(name), image.ensure(lambda _: None), site, say=lambda _: None) as trial:
            trial.wait_for("systemctl", "is-system-running")
            return use_of(INSTANCE).cpu_seconds


def report(found: Measurement) -> str:
    """Markdown: parts of `pulumi up`, the steps by hand, ratios, calibration, memory."""
    totals = [run.total for run in found.ups]
    kubeadm = [run.within_kubeadm for run in found.ups]
    hands = [sum(run.values()) for run in found.hands]
    ratios = [ours / theirs for ours, theirs in zip(kubeadm, hands, strict=True)]
    head = ("seconds: median (range)", f"{len(found.ups)} runs")
    return "\n".join(
        [
            table(
                ("`pulumi up --stack education`, " + head[0], head[1]),
                [
                    *((name, seconds(values)) for name, values in _columns([run.parts for run in found.ups])),
                    ("**all**", f"**{seconds(totals)}**"),
                ],
            ),
            table(
                ("meanwhile on the machine, " + head[0], head[1]),
                [(name, seconds(values)) for name, values in _columns([run.machine for run in found.ups])],
            ),
            table(
                ("kubeadm by hand on a prepared machine, " + head[0], head[1]),
                [
                    *((name, seconds(values)) for name, values in _columns(found.hands)),
                    ("**all**", f"**{seconds(hands)}**"),
                    ("the same steps within `pulumi up`", seconds(kubeadm)),
                    ("ratio, run by run", seconds(ratios)),
                ],
            ),
            table(
                ("host and memory: median (range)", head[1]),
                [
                    ("CPU seconds of booting a bare machine (calibration)", seconds(found.boot_cpu_seconds)),
                    ("CPU seconds of the node until the end", seconds([run.node.cpu_seconds for run in found.ups])),
                    ("node: anonymous memory, MiB", seconds([run.node.anonymous_mib for run in found.ups])),
                    ("node: working set, MiB", seconds([run.node.working_set_mib for run in found.ups])),
                    ("supervisor and its children, MiB", seconds([run.sandbox_mib for run in found.ups])),
                ],
            ),
        ]
    )


def _one_up(program: Program) -> UpRun:
    try:
        start = time.monotonic()
        moments = program.recorded_up()
        end = time.monotonic()
        instance = machine.only_machine()

        def ask(*command: str) -> str:
            return machine.on_machine(instance, *command)

        return UpRun(
            timeline.parts(start, moments, end),
            machine.boot_and_preparation(ask),
            use_of(instance),
            _supervisor_mib(),
        )
    finally:
        program.destroy()


def _one_by_hand(program: Program) -> Mapping[str, float]:
    try:
        _up_to_a_prepared_machine(program)
        return machine.by_hand(machine.only_machine(), program.stack_file)
    finally:
        program.destroy()


def _up_to_a_prepared_machine(program: Program) -> None:
    """An up that fails at the step that would run kubeadm, because in this copy of the program it says so."""
    script = program.folder / "components/bootstrap/scripts" / _RUNS_KUBEADM
    original = script.read_text()
    script.write_text(f"#!/usr/bin/env bash\necho '{_STOPPED}' >&2\nexit 1\n")
    try:
        program.up()
    except PulumiFailed as failure:
        if _STOPPED not in failure.printed:
            raise
    else:
        raise SandboxError(f"`pulumi up` went past {_RUNS_KUBEADM}, which fails in this copy of the program")
    finally:
        script.write_text(original)


def _supervisor_mib() -> float:
    status = supervisor.running()
    if status is None:
        raise SandboxError(f"the supervisor is gone; see {supervisor.log_file()}")
    family = {status.pid} | descendants_of(status.pid, all_processes())
    return sum(status_field(process, "VmRSS") for process in family) / 1024


def _columns(runs: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[float]]]:
    return [(name, [run[name] for run in runs]) for name in runs[0]]
