"""The same cluster on machines that are booted and prepared, with the commands that a person would type there."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

from components.delivery.node_files import BIN
from components.network_plugins.network_plugin import network_plugin
from components.plan import Plan
from components.settings.model import Settings
from sandbox.bench.machine import Fleet, fleet, on_machine
from sandbox.bench.program import Program, PulumiFailed
from sandbox.errors import SandboxError

ETCD = "etcd members, until they have a quorum"
INIT = "kubeadm init, until the API is ready"
BALANCER = "load balancer, until the API answers through it"
JOINS = "all joins"
NETWORK_PLUGIN = "network plugin, until every node is Ready"
SYSTEM_PODS = "system pods available"

_STOPPED = "the machines are prepared; stopped before kubeadm, as the measurement wants"
_NODE_PROGRAM = Path("components/node")
# In the measured copy of the program: a module of what runs on machines, a line of it, and what is done instead of it
# and all that follows.
_CUTS = (
    ("etcd/configure.py", "        configure(member)\n", "return"),
    (
        "control_plane/configure.py",
        "    check_disk(folders, machine.etcd_volume, machine.kubernetes_version)\n",
        "return",
    ),
    ("worker/join.py", '    endpoint = worker.values["API_ENDPOINT_NAME"]\n', "return"),
    ("control_plane/endpoint_name.py", '    let_workers_in(values.get("JOIN_PARAMETER", ""))\n', "return"),
    # It comes after the API's record where anybody will ask for the name.
    ("control_plane/network_plugin.py", "    if not manifest.strip():\n", f"raise Failure({_STOPPED!r})"),
)


def prepared_machines(program: Program) -> Fleet:
    """An up that fails where a cluster would begin, as this copy of the program then says; its machines are ready."""
    with cut_program(program.folder / _NODE_PROGRAM):
        try:
            program.up()
        except PulumiFailed as failure:
            if _STOPPED not in failure.printed:
                raise
        else:
            raise SandboxError("`pulumi up` ended well though the cluster's first step fails in this copy")
    settings = program.settings
    found = fleet(settings.cluster.name)
    wanted = settings.control_plane.count + sum(pool.minimum for pool in settings.workers)
    if found.nodes != wanted:
        raise SandboxError(f"{found.nodes} control planes and workers run where {wanted} should")
    # A second run waits for the first.
    preparing = [*found.etcd, *found.control_planes, *found.workers]
    _at_once(on_machine, [(machine, f"{BIN}/prepare-machine.sh") for machine in preparing])
    return found


def by_hand(machines: Fleet, settings: Settings) -> Mapping[str, float]:
    """Makes the cluster; seconds by step."""
    first, *others = machines.control_planes
    took: dict[str, float] = {}

    @contextmanager
    def step(name: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        took[name] = time.monotonic() - began

    manifest = network_plugin(Plan(settings)).manifest
    script = (resources.files("sandbox.bench") / "by-hand.sh").read_text()

    def run(instance: str, *arguments: str, stdin: str = "") -> str:
        return on_machine(instance, "bash", "-c", script, "by-hand.sh", *arguments, stdin=stdin)

    def join(*row: str) -> None:
        for instance in row:
            run(instance, "join", instance, stdin=credentials)

    if machines.etcd:
        with step(ETCD):
            _at_once(run, [(member, "start_etcd") for member in machines.etcd])
    with step(INIT):
        run(first, "init")
        credentials = run(first, "discovery") if others or machines.workers else ""
    if settings.api_endpoint.load_balancer:
        with step(BALANCER):
            run(first, "through_the_balancer")
    if others or machines.workers:
        # etcd beside them takes one new member at a time.
        rows = [[machine] for machine in others] if machines.etcd else [others]
        with step(JOINS):
            _at_once(join, [*rows, *([machine] for machine in machines.workers)])
    with step(NETWORK_PLUGIN):
        run(first, "network_plugin", str(machines.nodes), stdin=manifest)
    with step(SYSTEM_PODS):
        run(first, "system_pods")
    return took


def _at_once(task: Callable[..., object], calls: Sequence[Sequence[str]]) -> None:
    """Calls the task with each row of arguments, in threads of their own. Raises the first error once all ended."""
    if not calls:
        return
    with ThreadPoolExecutor(len(calls)) as pool:
        started = [pool.submit(task, *row) for row in calls]
    for one in started:
        one.result()


@contextmanager
def cut_program(folder: Path) -> Iterator[None]:
    originals = {name: (folder / name).read_text() for name, _, _ in _CUTS}
    try:
        for name, line, instead in _CUTS:
            (folder / name).write_text(cut(originals[name], line, instead))
        yield
    finally:
        for name, text in originals.items():
            (folder / name).write_text(text)


def cut(module: str, line: str, instead: str) -> str:
    """The module with `instead`, which ends its function, before a line. Pure. Raises SandboxError if it has none."""
    if module.count(f"\n{line}") != 1:
        raise SandboxError(
            f"a measured module has the line {line.strip()!r} {module.count(line)} times instead of once"
        )
    indent = line[: len(line) - len(line.lstrip())]
    return module.replace(f"\n{line}", f"\n{indent}{instead}\n{line}")
