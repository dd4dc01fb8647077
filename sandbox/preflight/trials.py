"""Tries, in a process of its own that leaves nothing behind, what machines need of the kernel.

Capabilities do not tell: security modules and system call filters refuse as well. Prints the refusals as JSON.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from sandbox.paths import CHECKOUT

_CLONE_NEWNS, _CLONE_NEWNET, _CLONE_NEWPID = 0x00020000, 0x40000000, 0x20000000
_MS_REC_PRIVATE = 0x4000 | 0x40000
_LOOP_CTL_GET_FREE = 0x4C82
_SECONDS = 20


def refusals() -> Mapping[str, str]:
    """What the kernel refuses, by what was tried; empty where all works."""
    command = [sys.executable, "-m", "sandbox.preflight.trials"]
    outcome = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=_SECONDS)
    if outcome.returncode:
        return {"a trial of namespaces and mounts": outcome.stderr.strip().splitlines()[-1]}
    answers: dict[str, str] = json.loads(outcome.stdout)
    return answers


def _try_all() -> Mapping[str, str]:
    trials: Mapping[str, Callable[[], None]] = {
        "a mount namespace": lambda: _unshare(_CLONE_NEWNS),
        "an overlay mount": _mount_overlay,
        "a network namespace": lambda: _unshare(_CLONE_NEWNET),
        "a process namespace": lambda: _unshare(_CLONE_NEWPID),
        "a loop device": _find_loop_device,
    }
    answers = {}
    for name, attempt in trials.items():
        try:
            attempt()
        except OSError as problem:
            answers[name] = str(problem)
            if name == "a mount namespace":
                break  # What is mounted now would stay.
    return answers


def _unshare(flag: int) -> None:
    _call("unshare", flag)
    if flag == _CLONE_NEWNS:
        _call("mount", b"none", b"/", None, _MS_REC_PRIVATE, None)


def _mount_overlay() -> None:
    with tempfile.TemporaryDirectory(prefix="quorate-trial-") as folder:
        _call("mount", b"tmpfs", folder.encode(), b"tmpfs", 0, None)
        try:
            for name in ("lower", "upper", "work", "merged"):
                (Path(folder) / name).mkdir()
            layers = f"lowerdir={folder}/lower,upperdir={folder}/upper,workdir={folder}/work"
            _call("mount", b"overlay", f"{folder}/merged".encode(), b"overlay", 0, layers.encode())
            _call("umount2", f"{folder}/merged".encode(), 0)
        finally:
            _call("umount2", folder.encode(), 2)


def _find_loop_device() -> None:
    control = os.open("/dev/loop-control", os.O_RDWR)
    try:
        fcntl.ioctl(control, _LOOP_CTL_GET_FREE)
    finally:
        os.close(control)


def _call(name: str, *arguments: object) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments):
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


if __name__ == "__main__":
    json.dump(_try_all(), sys.stdout)
