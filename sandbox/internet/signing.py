"""OpenPGP keys that sign repositories. A key lives as long as the build that makes the repository."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from types import TracebackType


class SigningError(Exception):
    """gpg could not make or use a key; the message has what it said."""


class SigningKey:
    """A key in a key ring of its own, gone when the `with` block ends. `owner` is what `apt-key` would show."""

    def __init__(self, owner: str) -> None:
        self._owner = owner
        # gpg-agent's socket lies in here, and a socket's path is short: not in the cache, however deep that is.
        self._home = tempfile.mkdtemp(prefix="quorate-gpg-")

    def __enter__(self) -> SigningKey:
        try:
            self._gpg("--quick-generate-key", self._owner, "ed25519", "sign", "never")
        except SigningError:
            shutil.rmtree(self._home, ignore_errors=True)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        subprocess.run(["gpgconf", "--homedir", self._home, "--kill", "all"], capture_output=True)
        shutil.rmtree(self._home, ignore_errors=True)

    def public(self) -> bytes:
        """The armored public key."""
        return self._gpg("--armor", "--export")

    def clear_sign(self, content: bytes) -> bytes:
        return self._gpg("--armor", "--clear-sign", content=content)

    def detached_signature(self, content: bytes) -> bytes:
        return self._gpg("--armor", "--detach-sign", content=content)

    def _gpg(self, *arguments: str, content: bytes = b"") -> bytes:
        command = [
            "gpg",
            "--homedir",
            self._home,
            "--batch",
            "--quiet",
            "--pinentry-mode",
            "loopback",
            "--passphrase",
            "",
        ]
        outcome = subprocess.run([*command, *arguments], input=content, capture_output=True)
        if outcome.returncode:
            said = outcome.stderr.decode(errors="replace").strip()
            raise SigningError(f"`gpg {arguments[0]}` failed ({outcome.returncode}): {said}")
        return outcome.stdout
