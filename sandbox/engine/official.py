"""Using an official Pulumi that is installed on this machine, when the person asks for it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

# The oldest engine that knows stackConfigDir, policy packs by the language host, and the SDK's protocol.
OLDEST = (3, 200, 0)
VARIABLE = "QUORATE_PULUMI"


class NotSuitableError(Exception):
    """The Pulumi on PATH can't be used; the message says why and what to do."""


def wanted(environment: Mapping[str, str]) -> bool:
    """Whether the person asks for the official Pulumi: QUORATE_PULUMI=official. Raises NotSuitableError if unclear."""
    choice = environment.get(VARIABLE, "")
    if choice not in ("", "built", "official"):
        raise NotSuitableError(f"{VARIABLE}: found {choice!r}; say `official` (the one on PATH) or `built` (default)")
    return choice == "official"


def check(required: Sequence[tuple[str, str]]) -> Path:
    """The `pulumi` on PATH, if it is recent enough and has the language host and every (plugin, version) required."""
    found = shutil.which("pulumi")
    if found is None:
        raise NotSuitableError(f"{VARIABLE}=official, but there is no `pulumi` on PATH")
    version = _output(found, "version")
    if version_number(version) < OLDEST:
        raise NotSuitableError(f"{found} is {version}; needed is {'.'.join(map(str, OLDEST))} or newer")
    beside = Path(found).resolve().with_name("pulumi-language-python")
    if not beside.exists() and shutil.which(beside.name) is None:
        raise NotSuitableError(f"{found} has no pulumi-language-python beside it: install the complete Pulumi")
    listed = json.loads(_output(found, "plugin", "ls", "--json"))
    present = {(plugin["name"], plugin.get("version", "")) for plugin in listed}
    missing = [plugin for plugin in required if plugin not in present]
    if missing:
        commands = "\n".join(f"    pulumi plugin install resource {name} {version}" for name, version in missing)
        raise NotSuitableError(f"{found} lacks plugins that the installed SDKs ask for; install them:\n{commands}")
    return Path(found)


def version_number(text: str) -> tuple[int, ...]:
    """(3, 259, 0) of "v3.259.0-alpha". Raises NotSuitableError."""
    match = re.match(r"v?(\d+)\.(\d+)\.(\d+)", text)
    if match is None:
        raise NotSuitableError(f"`pulumi version` printed {text!r}, which is not a version")
    return tuple(int(part) for part in match.groups())


def _output(pulumi: str, *arguments: str) -> str:
    environment = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    outcome = subprocess.run([pulumi, *arguments], capture_output=True, text=True, env=environment)
    if outcome.returncode:
        raise NotSuitableError(f"`{pulumi} {' '.join(arguments)}` failed:\n{outcome.stderr.strip()}")
    return outcome.stdout.strip()
