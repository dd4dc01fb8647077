"""The machine's SSH host key, from the parameter store that its role alone may read.

Runs at every boot before sshd starts, so that the first connection already meets the key that the client pins. With the
parameter store silent, a machine that has one starts with that; one that has none does not open sshd. No file is on a
new machine: components/delivery/inline_program.py sends this module, and what it imports, as one text.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from components.node.common.aws import get_parameter
from components.node.common.failure import Failure
from components.node.common.waiting import wait_until

_AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
_TRY_EVERY_SECONDS = 2
_KNOWN_SECONDS = 5


def main(arguments: Sequence[str]) -> int:
    os.umask(0o077)
    (parameter,) = arguments
    path = Path(os.environ.get("HOST_KEY", "/etc/ssh/ssh_host_ed25519_key"))
    seconds = float(os.environ.get("FETCH_SECONDS", "300"))
    # Debian's sshd does not start beside it; without it, cloud-init would make a key that no client knows.
    closed = path.with_name("sshd_not_to_be_run")
    known = path.exists() and not closed.exists()
    if known:
        seconds = 0
        _report(f"the key of an earlier boot stays, unless {parameter} comes within {_KNOWN_SECONDS}s")
        # It ends this process, whatever that waits for: a name, too.
        signal.alarm(_KNOWN_SECONDS)
    try:
        if not (known or _AUTHORITIES.exists()):
            _install_authorities()
        key = wait_until(seconds, parameter, lambda: get_parameter(parameter), every=_TRY_EVERY_SECONDS)
        signal.alarm(0)
        install(key, path)
    except Failure as failure:
        if known:
            _report(str(failure))
            return 0
        closed.touch()
        _report(f"no host key, so sshd stays closed until the next boot: {failure}")
        return 1
    closed.unlink(missing_ok=True)
    _report(f"installed {path}")
    return 0


def install(key: str, path: Path) -> None:
    """Makes `key` the only host key. Raises Failure, and changes nothing, where it is none."""
    public = path.with_name(f"{path.name}.pub")
    new, new_public = (file.with_name(f"{file.name}.new") for file in (path, public))
    new.unlink(missing_ok=True)
    new.touch(0o600)
    new.write_text(f"{key.strip()}\n")
    shown = subprocess.run(["ssh-keygen", "-y", "-P", "", "-f", str(new)], capture_output=True, text=True)
    if shown.returncode:
        new.unlink()
        raise Failure(f"the parameter holds no SSH key: {shown.stderr.strip().rpartition(': ')[2]}")
    new_public.write_text(shown.stdout)
    new_public.chmod(0o644)
    new.replace(path)
    new_public.replace(public)
    # sshd offers every key that it finds; only the pinned one may remain.
    for other in path.parent.glob("ssh_host_*"):
        if other not in (path, public):
            other.unlink()


def _install_authorities() -> None:
    # Where this fails, the call to the parameter store says why no connection is trusted.
    for action in (["update"], ["--yes", "install", "ca-certificates"]):
        subprocess.run(["apt-get", "--quiet", *action], stdout=sys.stderr)


def _report(text: str) -> None:
    print(f"fetch-host-key: {text}", file=sys.stderr, flush=True)
