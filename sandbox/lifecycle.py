"""Starting and stopping the sandbox, from outside its supervisor."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from operations.errors import OperationFailed
from operations.stack_files import read_stack
from sandbox import claim, host, image, internet, status
from sandbox.cloud.addresses import HOST_LINK, NAMESPACE, OPERATOR_ADDRESS, PUBLIC_POOL
from sandbox.cloud.api.operator import operator_environment
from sandbox.cloud.balancer import program
from sandbox.cloud.removal import remove_everything
from sandbox.engine import install
from sandbox.errors import SandboxError
from sandbox.internet.substitutions import substitutions
from sandbox.paths import CHECKOUT, cache_dir, state_dir
from sandbox.preflight.check import require_host
from sandbox.toolchain.build import build_all
from sandbox.toolchain.needs import ALWAYS, EVERY_STACK, needed_by

Say = Callable[[str], None]
_START_DEADLINE_SECONDS = 60
_STOP_DEADLINE_SECONDS = 60


def up(say: Say, stacks: Sequence[str] = ()) -> None:
    """Builds what the cache lacks and starts the supervisor; harmless if it runs already.

    With `stacks` only what these need is built, by the names of their files; without, what any stack may need.
    """
    tools = _tools_for(stacks, say)
    if status.running():
        _require_tools(tools)
        say("the sandbox is already up")
        return
    require_host(tools)
    state_dir().mkdir(parents=True, exist_ok=True, mode=0o700)
    claim.take(state_dir())
    _announce(say)
    host.ensure_packages(say)
    build_all(say, tools)
    tree = image.ensure(say)
    site = internet.ensure(say, tools)
    program.ensure(say)
    install.prepare(say)
    host.raise_limits(state_dir(), say)
    status.tools_file().write_text("\n".join(tools))
    _start_supervisor(tree, site, say)
    say("stand-ins:")
    for line in substitutions():
        say(f"  {line}")


def down(say: Say) -> None:
    """Ends the supervisor and removes machines, disks, networks, the account and the stacks that lived in it."""
    host.require_root()
    if claim.is_held_by_another(state_dir()):
        say(f"another sandbox is on this host, with its state in {claim.holder()}; it is not touched")
        shutil.rmtree(state_dir(), ignore_errors=True)
        return
    found = status.running()
    if found:
        os.kill(found.pid, signal.SIGTERM)
        _wait_until(lambda: _has_ended(found.pid), _STOP_DEADLINE_SECONDS, f"process {found.pid} has not ended")
        say(f"supervisor (process {found.pid}) ended")
    remove_everything(state_dir(), say)
    host.restore_limits(state_dir(), say)
    claim.release(state_dir())
    shutil.rmtree(state_dir(), ignore_errors=True)
    say(f"down: nothing is left except the cache in {cache_dir()}")


def environment(say: Say) -> Mapping[str, str]:
    """What the `pulumi` process needs to find the sandbox in place of AWS."""
    found = status.running()
    if found is None:
        raise SandboxError("the sandbox is not running; start it with `python -m sandbox up`")
    direct = f"127.0.0.1,localhost,{PUBLIC_POOL},10.0.0.0/8"
    return {**install.prepare(say), **operator_environment(found.proxy, found.ca, direct)}


def _tools_for(stacks: Sequence[str], say: Say) -> Sequence[str]:
    """The tools to be built, with the reason for those that not every stack needs."""
    if not stacks:
        return EVERY_STACK
    try:
        reasons = needed_by([read_stack(name, CHECKOUT / "stacks").settings for name in stacks])
    except OperationFailed as problem:
        raise SandboxError(str(problem)) from None
    left_out = [name for name in EVERY_STACK if name not in ALWAYS and name not in reasons]
    say(f"building only what {' and '.join(stacks)} uses:")
    for tool, reason in reasons.items():
        say(f"  {tool}, because {reason}")
    if left_out:
        say(f"  not {', '.join(left_out)}; `python -m sandbox up` builds these too")
    return (*ALWAYS, *reasons)


def _require_tools(tools: Sequence[str]) -> None:
    file = status.tools_file()
    lacking = sorted(set(tools) - set(file.read_text().split())) if file.exists() else []
    if lacking:
        raise SandboxError(
            f"the sandbox is up without {', '.join(lacking)}; run `python -m sandbox down`, then this again"
        )


def _announce(say: Say) -> None:
    say("on this host the sandbox makes, and `down` removes again:")
    say(f"  network namespaces {NAMESPACE} and {NAMESPACE}-i-…")
    say(f"  link {HOST_LINK} ({OPERATOR_ADDRESS}), route to {PUBLIC_POOL}")
    say("  load balancers (haproxy for each, in the namespace)")
    say("  containers (runc) with overlay mounts, cgroups `quorate`, loop devices for volumes")
    say("  higher fs.inotify limits; no firewall rule of the host, no Docker daemon, no bridge")
    say(f"  state in {state_dir()}; what stays is the cache in {cache_dir()} and Debian packages")


def _start_supervisor(tree: Path, site: Path, say: Say) -> None:
    started = time.monotonic()
    status.log_file().parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # One that was killed leaves its own, which would be taken for that of the next.
    status.status_file().unlink(missing_ok=True)
    log = status.log_file().open("ab")
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "sandbox.supervisor", str(tree), str(site)],
        cwd=CHECKOUT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
    )  # fmt: skip
    log.close()

    def ready() -> bool:
        if process.poll() is not None:
            tail = "\n".join(status.log_file().read_text(errors="replace").splitlines()[-12:])
            raise SandboxError(f"the supervisor ended with {process.returncode} while starting:\n{tail}")
        return status.running() is not None

    _wait_until(ready, _START_DEADLINE_SECONDS, f"the supervisor is not ready; see {status.log_file()}")
    say(f"supervisor ready in {time.monotonic() - started:.1f} s; log in {status.log_file()}")


def _has_ended(process_id: int) -> bool:
    """Whether the process is gone, or only waits for its parent to notice."""
    try:
        return not Path(f"/proc/{process_id}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return True


def _wait_until(reached: Callable[[], bool], seconds: float, otherwise: str) -> None:
    deadline = time.monotonic() + seconds
    while not reached():
        if time.monotonic() > deadline:
            raise SandboxError(f"after {seconds:.0f} s {otherwise}")
        time.sleep(0.1)
