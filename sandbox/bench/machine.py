"""What happened on a machine while pulumi waited, and the same kubeadm steps done there by hand."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping
from importlib import resources
from itertools import pairwise
from pathlib import Path

import yaml

from components.addons.network_plugin import network_plugin
from components.bootstrap.kubeadm_documents import API_PORT
from components.settings.validate import parse
from sandbox.cloud.machines import Machines
from sandbox.errors import SandboxError
from sandbox.paths import state_dir

_MANIFEST = "/root/network-plugin.yaml"


def machines() -> Machines:
    return Machines(disks=state_dir() / "machines", image=Path("/"))


def only_machine() -> str:
    """The instance id of the one machine that runs. Raises SandboxError."""
    ids = machines().ids()
    if len(ids) != 1:
        raise SandboxError(f"{len(ids)} machines where the measurement needs one: {', '.join(ids)}")
    return ids[0]


def on_machine(instance_id: str, *command: str, stdin: str = "") -> str:
    """Standard output of a command as root. Raises SandboxError with the end of what it said."""
    outcome = subprocess.run(
        ["runc", "--root", str(machines().runc_root), "exec", "--env", "HOME=/root", instance_id, *command],
        input=stdin, capture_output=True, text=True,
    )  # fmt: skip
    if outcome.returncode:
        last = "\n".join((outcome.stdout + outcome.stderr).strip().splitlines()[-20:])
        raise SandboxError(f"`{' '.join(command)}` on {instance_id} ended with {outcome.returncode}:\n{last}")
    return outcome.stdout


def boot_and_preparation(ask: Callable[..., str]) -> Mapping[str, float]:
    """Seconds that a machine took by itself. `ask` runs a command on it."""
    units = {
        "manager": ask("systemctl", "show", "--property=UserspaceTimestampMonotonic"),
        "ssh": ask("systemctl", "show", "--property=ActiveEnterTimestampMonotonic", "ssh.service"),
        "cloud-init": ask("systemctl", "show", "--property=ExecMainExitTimestampMonotonic", "cloud-final.service"),
    }
    journal = ask("journalctl", "--unit=quorate-prepare.service", "--output=json", "--no-pager")
    return since_boot({name: microseconds(said) for name, said in units.items()}, *job_span(journal))


def since_boot(units: Mapping[str, int], prepare_begins: int, prepare_ends: int) -> Mapping[str, float]:
    """The machine's own timeline in seconds; arguments in microseconds of the monotonic clock."""
    return {
        "machine boots, until SSH": (units["ssh"] - units["manager"]) / 1e6,
        "machine boots, until cloud-init is done": (units["cloud-init"] - units["manager"]) / 1e6,
        "packages, containerd and images": (prepare_ends - prepare_begins) / 1e6,
    }


def microseconds(shown: str) -> int:
    """The number in what `systemctl show --property=NAME` says. Raises SandboxError for one that was never set."""
    value = int(shown.partition("=")[2])
    if not value:
        raise SandboxError(f"systemd has no time for {shown.strip()}")
    return value


def job_span(journal: str) -> tuple[int, int]:
    """First and last entry of a unit's journal (JSON lines), in microseconds of the monotonic clock."""
    times = [int(json.loads(line)["__MONOTONIC_TIMESTAMP"]) for line in journal.splitlines()]
    if len(times) < 2:
        raise SandboxError(f"the journal of the preparation has {len(times)} entries")
    return min(times), max(times)


def by_hand(instance_id: str, stack_file: Path) -> Mapping[str, float]:
    """Makes a cluster on a prepared machine with kubeadm and kubectl alone; seconds by step."""
    endpoint = on_machine(instance_id, "sh", "-c", ". /etc/quorate/node.env && echo $API_ENDPOINT_NAME").strip()
    manifest = network_plugin_manifest(stack_file, endpoint)
    on_machine(instance_id, "sh", "-c", f"cat >{_MANIFEST}", stdin=manifest)
    script = (resources.files("sandbox.bench") / "by-hand.sh").read_text()
    return steps(on_machine(instance_id, "bash", "-s", _MANIFEST, stdin=script))


def steps(said: str) -> Mapping[str, float]:
    """Seconds between the lines `mark SECONDS NAME`, by the name of the later one."""
    marks = [line.split(maxsplit=2)[1:] for line in said.splitlines() if line.startswith("mark ")]
    return {name: float(at) - float(before) for (before, _), (at, name) in pairwise(marks)}


def network_plugin_manifest(stack_file: Path, api_host: str) -> str:
    """What `pulumi up` would apply for that stack."""
    config = yaml.safe_load(stack_file.read_text())["config"]
    prefix = "quorate:"
    settings = parse({key.removeprefix(prefix): value for key, value in config.items() if key.startswith(prefix)})
    return network_plugin(settings, api_host, API_PORT).manifest
