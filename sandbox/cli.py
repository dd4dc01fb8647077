"""up, status, down, prune, ssh, logs, env: what a person says to the sandbox."""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from sandbox import control, lifecycle, prune, supervisor
from sandbox.cloud.drills import MACHINE_FAULTS, ZONE_FAULTS
from sandbox.cloud.machines import Machines
from sandbox.errors import SandboxError
from sandbox.internet.substitutions import substitutions
from sandbox.paths import state_dir

_EPILOG = """what it is:
  AWS on one machine. `up` prepares and starts it, `eval "$(python -m sandbox env)"` points this shell's
  `pulumi` at it, `down` removes it with everything that was made in it.
"""


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox", epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("up", help="prepare what is missing and start; harmless when it runs")
    verbs.add_parser("status", help="what runs, and what is served in place of what")
    verbs.add_parser("down", help="remove every machine, disk, network and process, and the account")
    verbs.add_parser("prune", help="remove from the cache what neither this version nor the one before it needs")
    ssh = verbs.add_parser("ssh", help="a root shell on a machine")
    ssh.add_argument("name", help="the machine's Name tag or instance id")
    ssh.add_argument("command", nargs=argparse.REMAINDER, help="run this instead of a shell")
    logs = verbs.add_parser("logs", help="the supervisor's log, or a machine's")
    logs.add_argument("name", nargs="?", help="the machine's Name tag or instance id")
    fault = verbs.add_parser(
        "fault",
        help="break something, or heal it",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="\n".join(f"  {name:<10} {what}" for name, what in (MACHINE_FAULTS | ZONE_FAULTS).items()),
    )
    fault.add_argument("fault", choices=(*MACHINE_FAULTS, *ZONE_FAULTS), metavar="FAULT", help="see below")
    fault.add_argument("name", help="the machine's Name tag, instance id or address; the zone's name or last letter")
    verbs.add_parser("env", help="print the settings that `pulumi` needs, for eval")
    chosen = parser.parse_args(arguments)
    try:
        return {
            "up": _up, "status": _status, "down": _down, "ssh": _ssh, "logs": _logs, "env": _env, "fault": _fault,
            "prune": _prune,
        }[chosen.verb](chosen)  # fmt: skip
    except SandboxError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1


def _up(_: argparse.Namespace) -> int:
    lifecycle.up(_say)
    print(f'\nNow:  eval "$({Path(sys.executable)} -m sandbox env)"  and then  pulumi up --stack education')
    return 0


def _status(_: argparse.Namespace) -> int:
    status = supervisor.running()
    print(f"supervisor: process {status.pid}, proxy {status.proxy}" if status else "supervisor: not running")
    machines = _machines()
    names = lifecycle.machine_names()
    for instance_id in machines.ids():
        print(f"machine: {instance_id} {names.get(instance_id, '-')}: {machines.state(instance_id)}")
    if not machines.ids():
        print("machines: none")
    for line in control.ask(supervisor.control_socket(), {}).splitlines() if status else ():
        print(f"fault: {line}")
    print("served in place of what is named:")
    for line in substitutions():
        print(f"  {line}")
    return 0 if status else 3


def _down(_: argparse.Namespace) -> int:
    lifecycle.down(_say)
    return 0


def _prune(_: argparse.Namespace) -> int:
    prune.prune(_say)
    return 0


def _ssh(chosen: argparse.Namespace) -> int:
    instance_id = lifecycle.instance_named(chosen.name)
    command = chosen.command or ["bash", "-l"]
    terminal = ["--tty"] if sys.stdin.isatty() and sys.stdout.isatty() else []
    return subprocess.call(
        ["runc", "--root", str(_machines().runc_root), "exec", *terminal, "--env", "HOME=/root",
         "--env", f"TERM={os.environ.get('TERM', 'dumb')}", instance_id, *command]
    )  # fmt: skip


def _logs(chosen: argparse.Namespace) -> int:
    if chosen.name is None:
        print(supervisor.log_file().read_text(), end="")
        return 0
    instance_id = lifecycle.instance_named(chosen.name)
    return subprocess.call(
        ["runc", "--root", str(_machines().runc_root), "exec", instance_id, "journalctl", "--no-pager", "-b"]
    )


def _fault(chosen: argparse.Namespace) -> int:
    print(control.ask(supervisor.control_socket(), {"fault": chosen.fault, "name": chosen.name}))
    return 0


def _env(_: argparse.Namespace) -> int:
    for name, value in lifecycle.environment(lambda line: print(line, file=sys.stderr)).items():
        print(f"export {name}={shlex.quote(value)}")
    return 0


def _machines() -> Machines:
    return Machines(disks=state_dir() / "machines", image=Path("/"))


_STARTED = time.monotonic()


def _say(line: str) -> None:
    print(f"[{time.monotonic() - _STARTED:6.1f} s] {line}", flush=True)
