"""Tries what machines need of the kernel, with the host's own tools, and leaves nothing behind.

Capabilities do not tell: security modules and system call filters refuse as well.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence

# In a mount namespace of its own, which takes the mounts away with it.
_MOUNT_OVERLAY = """set -e
mount -t tmpfs none /tmp
cd /tmp
mkdir lower upper work merged
mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=work none merged
"""
_TRIALS: Mapping[str, Sequence[str]] = {
    "a mount namespace": ("unshare", "--mount", "true"),
    "an overlay mount": ("unshare", "--mount", "sh", "-c", _MOUNT_OVERLAY),
    "a network namespace": ("unshare", "--net", "true"),
    "a process namespace": ("unshare", "--pid", "--fork", "true"),
    "a loop device": ("losetup", "--find"),
}
_SECONDS = 20


def refusals() -> Mapping[str, str]:
    """What the kernel refuses, by what was tried, in the tool's words; empty where all works."""
    answers = {}
    for name, command in _TRIALS.items():
        try:
            outcome = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS)
        except FileNotFoundError:
            continue  # The package of the tool is missing, which is a problem of its own.
        if outcome.returncode:
            answers[name] = outcome.stderr.strip() or f"`{command[0]}` ended with {outcome.returncode}"
    return answers
