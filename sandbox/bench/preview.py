"""How long `pulumi preview --stack prod` takes, beside an empty program with the same plugins and with the policies.

Nothing is created: every preview is that of a cluster which is not there yet, so each resource is in it.
"""

from __future__ import annotations

import resource
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from sandbox.bench.program import Program
from sandbox.bench.tables import seconds, table
from sandbox.paths import CHECKOUT

Say = Callable[[str], None]
STACK = "prod"
EMPTY, PLAIN, WITH_POLICIES = "an empty program with the same plugins", "`prod`", "`prod` with the policy pack"
# What the pack reads besides the program.
_PACK = ("policies", "pricing")
# A provider of each plugin makes the engine start and configure it, as a program with resources does.
_EMPTY_PROGRAM = """import pulumi_aws
import pulumi_command
import pulumi_kubernetes
import pulumi_tls

pulumi_aws.Provider("aws", region="eu-central-1")
pulumi_command.Provider("command")
pulumi_kubernetes.Provider("kubernetes", kubeconfig="{}")
pulumi_tls.Provider("tls")
"""


@dataclass(frozen=True)
class Case:
    """What is previewed: `program`, with these options of `pulumi preview`."""

    program: Program
    options: tuple[str, ...] = ()


def cases(folder: Path, environment: Mapping[str, str]) -> Mapping[str, Case]:
    """The programs to preview, in folders of their own below `folder`; their stacks are not made yet."""
    (folder / "empty").mkdir()
    (folder / "prod").mkdir()
    empty = Program.copied_to(folder / "empty", "empty", environment)
    shutil.rmtree(empty.folder / "components")
    (empty.folder / "__main__.py").write_text(_EMPTY_PROGRAM)
    project = yaml.safe_load((empty.folder / "Pulumi.yaml").read_text())
    (empty.folder / "Pulumi.yaml").write_text(yaml.safe_dump(project | {"name": "empty"}, sort_keys=False))
    prod = Program.copied_to(folder / "prod", STACK, environment)
    for name in _PACK:
        shutil.copytree(CHECKOUT / name, prod.folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return {EMPTY: Case(empty), PLAIN: Case(prod), WITH_POLICIES: Case(prod, ("--policy-pack", "policies"))}


@dataclass(frozen=True)
class Preview:
    """What one preview took: seconds of the clock, and of the processor for pulumi and all that it started."""

    seconds: float
    cpu_seconds: float


def measure(previews: Mapping[str, Case], runs: int, say: Say) -> Mapping[str, Sequence[Preview]]:
    """Previews each in turn, so that a drift of the host's speed meets them all.

    The first of each is not counted, as it compiles Python and fills caches.
    """
    taken: dict[str, list[Preview]] = {name: [] for name in previews}
    for number in range(runs + 1):
        for name, case in previews.items():
            found = _one(case)
            said = f"run {number} of {runs}: {name}: {found.seconds:.1f} s, {found.cpu_seconds:.1f} of the processor"
            say(said + ("" if number else ", not counted"))
            if number:
                taken[name].append(found)
    return taken


def _one(case: Case) -> Preview:
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    case.program.pulumi("preview", *case.options)
    took, after = time.monotonic() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return Preview(took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def report(taken: Mapping[str, Sequence[Preview]]) -> str:
    """The table, with ratios run by run."""
    rows = [
        (name, seconds([found.seconds for found in values]), seconds([found.cpu_seconds for found in values]))
        for name, values in taken.items()
    ]
    for name, base in ((PLAIN, EMPTY), (WITH_POLICIES, PLAIN)):
        pairs = list(zip(taken[name], taken[base], strict=True))
        rows.append(
            (
                f"{name}, times {base}, run by run",
                seconds([one.seconds / other.seconds for one, other in pairs]),
                seconds([one.cpu_seconds / other.cpu_seconds for one, other in pairs]),
            )
        )
    head = f"`pulumi preview`, median (range) of {len(taken[PLAIN])} runs"
    return table((head, "seconds", "seconds of the processor"), rows)
