"""The command line; every verb is described in README.md."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from sandbox import control, status
from sandbox.cloud.drills import FAULTS, NAMELESS_FAULTS
from sandbox.errors import SandboxError

_EPILOG = """what it is:
  AWS on one machine. `up` prepares and starts it, `eval "$(python -m sandbox env)"` points this shell's
  `pulumi` at it, `down` removes it with everything that was made in it. More: sandbox/README.md
"""


def main(arguments: Sequence[str]) -> int:
    chosen = _parser().parse_args(arguments)
    try:
        return {
            "up": _up, "status": _status, "down": _down, "ssh": _ssh, "logs": _logs, "env": _env, "fault": _fault,
            "prune": _prune, "account": _account,
        }[chosen.verb](chosen)  # fmt: skip
    except SandboxError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox", epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    start = verbs.add_parser("up", help="prepare what is missing and start; harmless if it runs already")
    start.add_argument("stacks", nargs="*", metavar="STACK", help="build only what these stacks of stacks/ use")
    verbs.add_parser("down", help="remove every machine, disk, network and process, and the account")
    shown = verbs.add_parser("status", help="what runs, and what stands in for what; exit 3 if nothing runs")
    shown.add_argument("--json", action="store_true", help="for programs")
    settings = verbs.add_parser("env", help="print the environment that `pulumi` needs, for eval")
    settings.add_argument("--json", action="store_true", help="for programs")
    settings.add_argument("--engine", action="store_true", help="only the Pulumi engine: needs no root and no `up`")
    verbs.add_parser("account", help="serve an account without machines, for previews; print its environment as JSON")
    ssh = verbs.add_parser("ssh", help="a root shell on a machine")
    ssh.add_argument("name", help="the machine's Name tag or instance id")
    ssh.add_argument("command", nargs=argparse.REMAINDER, help="run this instead of a shell")
    logs = verbs.add_parser("logs", help="the supervisor's log, or a machine's")
    logs.add_argument("name", nargs="?", help="the machine's Name tag or instance id")
    fault = verbs.add_parser(
        "fault",
        help="break something, or heal it",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="\n".join(f"  {name:<18} {what}" for name, what in FAULTS.items()),
    )
    fault.add_argument("fault", choices=FAULTS, metavar="FAULT", help="see below")
    fault.add_argument(
        "name",
        nargs="?",
        default="",
        help="the machine's Name tag, instance id or address; the zone's name or last letter, with `=TYPE` after it "
        f"for lack-type; none for {', '.join(NAMELESS_FAULTS)}",
    )
    verbs.add_parser("prune", help="remove builds from the cache that neither this version nor the one before it needs")
    return parser


# The verbs import what they need by themselves: `ssh` and `status` are asked often, and the account's libraries take
# seconds to load.
def _up(chosen: argparse.Namespace) -> int:
    from sandbox import lifecycle

    lifecycle.up(_say, chosen.stacks)
    stack = (chosen.stacks or ["education"])[0]
    print(f'\nNow:  eval "$({Path(sys.executable)} -m sandbox env)"  and then  pulumi up --stack {stack}')
    return 0


def _down(_: argparse.Namespace) -> int:
    from sandbox import lifecycle

    lifecycle.down(_say)
    return 0


def _prune(_: argparse.Namespace) -> int:
    from sandbox import prune

    prune.prune(_say)
    return 0


def _status(chosen: argparse.Namespace) -> int:
    from sandbox.internet.substitutions import substitutions
    from sandbox.stand_ins import STAND_INS

    found = status.report()
    if chosen.json:
        print(
            json.dumps(found | {"stand_ins": [str(s) for s in STAND_INS], "substitutions": substitutions()}, indent=1)
        )
        return 0 if found["supervisor"] else 3
    supervisor = found["supervisor"]
    print(f"supervisor: process {supervisor['pid']}, proxy {supervisor['proxy']}" if supervisor else "not running")
    for machine in found["machines"]:
        print(f"machine: {machine['id']} {machine['name'] or '-'}: {machine['state']}")
    if not found["machines"]:
        print("machines: none")
    for line in found["faults"]:
        print(f"fault: {line}")
    print("in place of the original:")
    for stand_in in STAND_INS:
        print(f"  {stand_in}")
    print("stand-ins:")
    for line in substitutions():
        print(f"  {line}")
    return 0 if supervisor else 3


def _ssh(chosen: argparse.Namespace) -> int:
    instance_id = status.instance_named(chosen.name)
    runc = ["runc", "--root", str(status.machines().runc_root)]
    terminal = ["--tty"] if sys.stdin.isatty() and sys.stdout.isatty() else []
    given = ["--env", "HOME=/root", "--env", f"TERM={os.environ.get('TERM', 'dumb')}"]
    # In place of this process, so that who ends it ends the command.
    os.execvp("runc", [*runc, "exec", *terminal, *given, instance_id, *(chosen.command or ["bash", "-l"])])


def _logs(chosen: argparse.Namespace) -> int:
    if chosen.name is None:
        print(status.log_file().read_text(), end="")
        return 0
    instance_id = status.instance_named(chosen.name)
    return subprocess.call(status.machines().inside(instance_id, "journalctl", "--no-pager", "-b"))


def _fault(chosen: argparse.Namespace) -> int:
    print(control.ask(status.control_socket(), {"fault": chosen.fault, "name": chosen.name}))
    return 0


def _env(chosen: argparse.Namespace) -> int:
    from sandbox import lifecycle
    from sandbox.engine import install

    def say(line: str) -> None:
        print(line, file=sys.stderr)

    wanted = install.prepare(say) if chosen.engine else lifecycle.environment(say)
    if chosen.json:
        print(json.dumps(dict(wanted)))
        return 0
    for name, value in wanted.items():
        print(f"export {name}={shlex.quote(value)}")
    return 0


def _account(_: argparse.Namespace) -> int:
    from sandbox import account

    def ready(environment: Mapping[str, str]) -> None:
        print(json.dumps(dict(environment)), flush=True)

    account.serve(ready)
    return 0


_STARTED = time.monotonic()


def _say(line: str) -> None:
    print(f"[{time.monotonic() - _STARTED:6.1f} s] {line}", flush=True)
