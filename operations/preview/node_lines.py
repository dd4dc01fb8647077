"""The lines that change on machines: kubeadm documents, unit files, scripts. Pure.

They are in the preview because the files of a machine travel as plain text: by standard input of a remote command
(components/delivery/node_files.py: `bundle`), or in the user data of a launch template.
"""

from __future__ import annotations

import base64
import binascii
import difflib
import gzip
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import yaml

from components.delivery.node_files import BIN, ETC
from operations.preview.digest import SECRET, UNKNOWN, Action, Step

_HEADER: Final = re.compile(r"%%% (?P<mode>[0-7]{4}) (?P<lines>[0-9]+) (?P<path>/\S+)")
_PRIVATE: Final = re.compile(r"PRIVATE KEY|BEGIN OPENSSH|token: *[a-z0-9]{6}\.[a-z0-9]{16}")
_TURNS: Final = {"configuration-turn.sh": "control plane", "restart-etcd.sh": "etcd"}
NODE_ENV: Final = f"{ETC}/node.env"


@dataclass(frozen=True)
class FileChange:
    """How a file on a machine changes: lines of a unified diff, without its header. `old` or `new` None: not there."""

    path: str
    old: str | None
    new: str | None
    lines: tuple[str, ...]


@dataclass(frozen=True)
class MachineChange:
    """What changes on a machine or on the machines of a pool. `unknown`: told only when it is applied.

    `turn` names the lock that the machine's own scripts take before they interrupt something, so that machines with
    the same one never pause at the same time; empty where they take none.
    """

    machine: str
    files: tuple[FileChange, ...]
    unknown: bool = False
    turn: str = ""


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
        return MachineChange(_machine(step, before), (), unknown=True, turn=_turn(before)) if before else None
    after = _files(key, new)
    if before is None or after is None:
        return _single_document(step, key, old, new)
    changes = tuple(_change(path, before.get(path), after.get(path)) for path in sorted({*before, *after}))
    changes = tuple(change for change in changes if change.lines)
    return MachineChange(_machine(step, after), changes, turn=_turn(after)) if changes else None


def _single_document(step: Step, key: str, old: object, new: object) -> MachineChange | None:
    """Standard input that is one document, such as the manifest of the network plugin."""
    if key != "stdin" or not isinstance(old, str) or not isinstance(new, str) or "\n" not in old + new:
        return None
    change = _change(f"(input of {step.name})", old, new)
    return MachineChange("", (change,)) if change.lines else None


def _files(key: str, value: object) -> dict[str, str] | None:
    if not isinstance(value, str):
        return None
    return read_bundle(value) if key == "stdin" else read_user_data(value)


def read_bundle(text: str) -> dict[str, str] | None:
    """Paths and contents of a bundle; None for any other text."""
    files: dict[str, str] = {}
    lines = text.splitlines(keepends=True)
    position = 0
    while position < len(lines):
        if lines[position].startswith("%%% end "):
            return files
        header = _HEADER.fullmatch(lines[position].rstrip("\n"))
        if header is None:
            return None
        count = int(header["lines"])
        files[header["path"]] = "".join(lines[position + 1 : position + 1 + count])
        position += 1 + count
    return None


def read_user_data(text: str) -> dict[str, str] | None:
    """Paths and contents of the files in a cloud-config, base64 of gzip or plain; None for anything else."""
    try:
        packed = base64.b64decode(text, validate=True)
        plain = gzip.decompress(packed).decode() if packed[:2] == b"\x1f\x8b" else packed.decode()
        document = yaml.safe_load(plain)
    except (binascii.Error, ValueError, OSError, EOFError, yaml.YAMLError):
        return None
    if not isinstance(document, Mapping):
        return None
    files = {entry["path"]: entry["content"] for entry in document.get("write_files") or () if "path" in entry}
    rest = {key: value for key, value in document.items() if key != "write_files"}
    return {**files, "(rest of the cloud-config)": yaml.safe_dump(rest, sort_keys=False, width=160)}


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
    """Files are not secret; should one come to be, a comment is not where it is read."""
    return f"{line[:1]} [withheld: looks like a secret]" if _PRIVATE.search(line) else line


def _turn(files: Mapping[str, str]) -> str:
    return next((turn for script, turn in _TURNS.items() if f"{BIN}/{script}" in files), "")


def _machine(step: Step, files: Mapping[str, str] | None) -> str:
    """The machine's own name in its environment file, else what the step is called."""
    for line in (files or {}).get(NODE_ENV, "").splitlines():
        name, _, value = line.partition("=")
        if name == "MACHINE_NAME":
            return "".join(shlex.split(value))
    return step.name


def is_script(path: str) -> bool:
    return path.startswith(f"{BIN}/")
