"""The lines that change on machines: kubeadm documents, unit files, scripts. Pure.

They are in the preview because the files of a machine travel as plain text: by standard input of a remote command
(components/node/common/bundle.py), or in the user data of a launch template (components/delivery/cloud_config.py).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import yaml

from components.delivery.cloud_config import read_cloud_config
from components.delivery.node_files import NODE_ENV, read_environment_file
from components.node.common.bundle import BundleError, read_bundle
from operations.preview.digest import SECRET, UNKNOWN, Action, Step

_PRIVATE: Final = re.compile(r"PRIVATE KEY|BEGIN OPENSSH|token: *[a-z0-9]{6}\.[a-z0-9]{16}")


@dataclass(frozen=True)
class FileChange:
    """How a file on a machine changes: lines of a unified diff, without its header. `old` or `new` None: not there.

    `whole_input`: it is no file, but all that a step is given.
    """

    path: str
    old: str | None
    new: str | None
    lines: tuple[str, ...]
    whole_input: bool = False


@dataclass(frozen=True)
class MachineChange:
    """What changes on a machine or on the machines of a pool. `unknown`: known only when it is applied."""

    machine: str
    files: tuple[FileChange, ...]
    unknown: bool = False


def machine_change(step: Step) -> MachineChange | None:
    """The lines that a step changes on a machine; None for steps that bring none, and for new machines."""
    if step.action not in (Action.UPDATE, Action.REPLACE):
        return None
    key = "stdin" if step.type.startswith("command:") else "userData" if "launchTemplate" in step.type else ""
    old, new = step.old.get(key), step.new.get(key)
    if not key or old == new or SECRET in (old, new):
        return None
    before = _files(key, old)
    if new == UNKNOWN:
        return MachineChange(_machine(step, before), (), unknown=True) if before else None
    after = _files(key, new)
    if before is None or after is None:
        return _single_document(step, key, old, new)
    changes = tuple(_change(path, before.get(path), after.get(path)) for path in sorted({*before, *after}))
    changes = tuple(change for change in changes if change.lines)
    return MachineChange(_machine(step, after), changes) if changes else None


def _single_document(step: Step, key: str, old: object, new: object) -> MachineChange | None:
    """Standard input that is one document, such as the manifest of the network plugin."""
    if key != "stdin" or not isinstance(old, str) or not isinstance(new, str) or "\n" not in old + new:
        return None
    change = replace(_change(f"(input of {step.name})", old, new), whole_input=True)
    return MachineChange("", (change,)) if change.lines else None


def _files(key: str, value: object) -> Mapping[str, str] | None:
    if not isinstance(value, str):
        return None
    return _bundled(value) if key == "stdin" else _written_at_boot(value)


def _bundled(text: str) -> Mapping[str, str] | None:
    try:
        return {file.path: file.content for file in read_bundle(text)}
    except BundleError:
        return None


def _written_at_boot(user_data: str) -> Mapping[str, str] | None:
    config = read_cloud_config(user_data)
    if config is None:
        return None
    rest = yaml.safe_dump(dict(config.rest), sort_keys=False, width=160)
    return {**config.files, "(rest of the cloud-config)": rest}


def _change(path: str, old: str | None, new: str | None) -> FileChange:
    if old == new:
        return FileChange(path, old, new, ())
    if old is None or new is None:
        count = len((old or new or "").splitlines())
        sign, word = ("+", "new") if old is None else ("-", "removed")
        return FileChange(path, old, new, (f"{sign} ({word} file, {count} lines)",))
    found = list(difflib.unified_diff(old.splitlines(), new.splitlines(), n=2, lineterm=""))[2:]
    return FileChange(path, old, new, tuple(_without_secret(line) for line in found) or ("(end of the last line)",))


def _without_secret(line: str) -> str:
    """Files hold no secrets; if one ever does, a comment must not show it."""
    return f"{line[:1]} [withheld: looks like a secret]" if _PRIVATE.search(line) else line


def _machine(step: Step, files: Mapping[str, str] | None) -> str:
    """The machine's own name in its environment file, else what the step is called."""
    return read_environment_file((files or {}).get(NODE_ENV, "")).get("MACHINE_NAME") or step.name
