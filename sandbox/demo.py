"""`make demo`: from nothing to a working education cluster, with progress all the way."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from sandbox import lifecycle
from sandbox.errors import SandboxError
from sandbox.paths import CHECKOUT, state_dir
from sandbox.toolchain.build import binary

_STACK = "education"


class DemoFailed(SandboxError):
    """A step of the demo failed; the message names it."""


def main() -> int:
    started = time.monotonic()

    def say(line: str) -> None:
        print(f"[{time.monotonic() - started:6.1f} s] {line}", flush=True)

    try:
        lifecycle.up(say, [_STACK])
        environment = {**os.environ, **lifecycle.environment(say)}
        say(f"pulumi up --stack {_STACK}")
        pulumi(environment, "stack", "select", "--create", _STACK)
        pulumi(environment, "up", "--yes", "--skip-preview", "--stack", _STACK)
        kubeconfig = write_kubeconfig(environment)
        say("the cluster, as kubectl sees it from this host:")
        kubectl(kubeconfig, "get", "nodes", "-o", "wide")
        kubectl(kubeconfig, "get", "pods", "--all-namespaces", "-o", "wide")
        say("the page, fetched from its Service through the API server:")
        print(page(kubeconfig))
    except SandboxError as problem:
        say(f"error: {problem}")
        return 1
    say("done")
    print(_next_things(kubeconfig))
    return 0


def pulumi(environment: Mapping[str, str], *arguments: str) -> None:
    outcome = subprocess.run(["pulumi", "--non-interactive", *arguments], cwd=CHECKOUT, env=environment)
    if outcome.returncode:
        raise DemoFailed(f"`pulumi {' '.join(arguments)}` ended with {outcome.returncode}; its output is above")


def write_kubeconfig(environment: Mapping[str, str]) -> Path:
    """Fetches the stack's secret output into a file that only its owner reads."""
    file = state_dir() / "kubeconfig"
    file.touch(mode=0o600)
    content = subprocess.run(
        ["pulumi", "stack", "output", "kubeconfig", "--show-secrets", "--stack", _STACK],
        cwd=CHECKOUT, env=environment, check=True, capture_output=True, text=True,
    )  # fmt: skip
    file.write_text(content.stdout)
    return file


def kubectl(kubeconfig: Path, *arguments: str) -> None:
    subprocess.run(_kubectl_command(kubeconfig, *arguments), check=False)


def page(kubeconfig: Path) -> str:
    """What the smoke Service answers."""
    path = "/api/v1/namespaces/quorate-smoke/services/smoke:http/proxy/"
    outcome = subprocess.run(_kubectl_command(kubeconfig, "get", "--raw", path), capture_output=True, text=True)
    if outcome.returncode:
        raise DemoFailed(f"the smoke Service did not answer: {outcome.stderr.strip()}")
    return outcome.stdout


def _kubectl_command(kubeconfig: Path, *arguments: str) -> list[str]:
    return [str(binary("kubernetes", "kubectl")), f"--kubeconfig={kubeconfig}", *arguments]


def _next_things(kubeconfig: Path) -> str:
    python = Path(sys.executable)
    return f"""
Try next:
  eval "$({python} -m sandbox env)"                       # this shell's pulumi now finds the sandbox
  pulumi up --stack {_STACK}                              # again: no changes
  kubectl --kubeconfig {kubeconfig} get pods -A
  python -m sandbox ssh {_STACK}-control-plane-0          # a shell on the machine
  pulumi destroy --stack {_STACK} && make down            # everything gone again
"""


if __name__ == "__main__":
    sys.exit(main())
