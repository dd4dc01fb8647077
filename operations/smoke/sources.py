"""Whom the questions go to: AWS, the stack's outputs, and a machine of the stack. Nothing here changes anything.

AWS is asked by its own command line, `aws`, as the product's requirements have no library for its API (boto3 comes with
the tests alone) and as it knows every way in which an operator may have signed in.
"""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from components.plan import LOGIN_USER, Plan
from operations.errors import OperationFailed
from operations.smoke import on_machine
from operations.smoke.errors import NotAnswered

_SECONDS: Final = 120
# Of IAM, whose events CloudTrail keeps in one region for all.
GLOBAL_REGION: Final = "us-east-1"


class Ask(Protocol):
    """A question to AWS: its service, operation and parameters as `aws` takes them. Raises NotAnswered."""

    def __call__(self, service: str, operation: str, *parameters: str, region: str = ...) -> Any: ...


class AskMachine(Protocol):
    """What a machine of the stack says of itself, by the machine's name. Raises NotAnswered."""

    def facts(self, name: str, *arguments: str) -> Any: ...


class Aws:
    """The account that the caller has signed in to."""

    def __init__(self, region: str) -> None:
        self._region = region

    def __call__(self, service: str, operation: str, *parameters: str, region: str = "") -> Any:
        options = ["--output", "json", "--region", region or self._region]
        said = _said(["aws", service, operation, *parameters, *options])
        try:
            return json.loads(said or "{}")
        except ValueError:
            raise NotAnswered(f"aws {service} {operation} answered with something else than JSON") from None


def identity(ask: Ask) -> str:
    """Who asks. Raises OperationFailed where nobody is signed in, or AWS is out of reach."""
    try:
        return str(ask("sts", "get-caller-identity")["Arn"])
    except NotAnswered as unanswered:
        raise OperationFailed(
            f"AWS can't be asked anything: {unanswered}. Install AWS's command line (version 2), sign in (`aws "
            "configure sso`, AWS_PROFILE or AWS_ACCESS_KEY_ID), and see that `aws sts get-caller-identity` answers"
        ) from None


def outputs(stack: str) -> Any:
    """What the stack exports. Raises NotAnswered."""
    said = _said(["pulumi", "stack", "output", "--json", "--show-secrets", "--non-interactive", "--stack", stack])
    try:
        return json.loads(said)
    except ValueError:
        raise NotAnswered("`pulumi stack output` answered with something else than JSON") from None


@dataclass(frozen=True)
class Machine:
    """A machine of the stack, by SSH, with what the stack exports."""

    plan: Plan
    exported: Callable[[], Any]

    def facts(self, name: str, *arguments: str) -> Any:
        """What on_machine.py says on the machine of this name. Raises NotAnswered."""
        exported = self.exported()
        addresses = exported.get("machines", {})
        if name not in addresses:
            raise NotAnswered("the stack has no machines yet: run `pulumi up` first")
        script = Path(on_machine.__file__).read_text()
        with tempfile.TemporaryDirectory(prefix="quorate-smoke-") as folder:
            key, known = Path(folder) / "key", Path(folder) / "known"
            key.touch(mode=0o600)
            key.write_text(exported["sshPrivateKey"])
            known.write_text(exported["sshKnownHosts"])
            options = (f"UserKnownHostsFile={known}", "BatchMode=yes", "IdentitiesOnly=yes", "ConnectTimeout=20")
            login = ["-i", str(key), *(f"-o{option}" for option in options)]
            way = list(login)
            if self.plan.bastion:
                proxy = " ".join(["ssh", *login, "-W", "%h:%p", f"{LOGIN_USER}@{addresses[self.plan.bastion.name]}"])
                way += ["-o", f"ProxyCommand={proxy}"]
            command = ["ssh", *way, f"{LOGIN_USER}@{addresses[name]}", "sudo", "python3", "-", *arguments]
            said = _said(command, given=script)
        try:
            return json.loads(said)
        except ValueError:
            raise NotAnswered(f"{name} answered with something else than JSON") from None


def _said(command: Sequence[str], given: str = "") -> str:
    """What a command prints. Raises NotAnswered with what it complains of."""
    called = " ".join(command[:3]) if command[0] != "ssh" else "ssh"
    try:
        outcome = subprocess.run(command, input=given, capture_output=True, text=True, timeout=_SECONDS)
    except FileNotFoundError:
        raise NotAnswered(f"there is no `{command[0]}` on the PATH") from None
    except subprocess.TimeoutExpired:
        raise NotAnswered(f"`{called}` gave no answer within {_SECONDS} s") from None
    if outcome.returncode != 0:
        complaint = outcome.stderr.strip() or outcome.stdout.strip() or f"it ended with {outcome.returncode}"
        code = re.search(r"An error occurred \(([\w.]+)\)", complaint)
        raise NotAnswered(f"`{called}`: {complaint.splitlines()[-1].rstrip('.')}", code[1] if code else "")
    return outcome.stdout
