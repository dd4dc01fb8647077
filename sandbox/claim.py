"""One sandbox at a time on a host: which state folder holds the host's `quorate` names.

Namespaces, links and cgroups have fixed names, so two sandboxes would take each other's machines. The claim lies in
/run, so it ends with the host's uptime like the things that it stands for.
"""

from __future__ import annotations

import os
from pathlib import Path

from sandbox.errors import SandboxError

CLAIM = Path("/run/quorate-sandbox")


def holder(claim: Path = CLAIM) -> Path | None:
    """The state folder that holds the host, or None."""
    return Path(claim.read_text()) if claim.exists() else None


def is_held_by_another(state: Path, claim: Path = CLAIM) -> bool:
    held = holder(claim)
    return held is not None and held != state and held.is_dir()


def take(state: Path, claim: Path = CLAIM) -> None:
    """Claims the host for `state`. Raises SandboxError where another sandbox has it."""
    try:
        descriptor = os.open(claim, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    except FileExistsError:
        if is_held_by_another(state, claim):
            raise SandboxError(
                f"another sandbox is on this host, with its state in {holder(claim)}. "
                f"End it first: QUORATE_STATE={holder(claim)} python -m sandbox down"
            ) from None
        claim.write_text(str(state))
        return
    with os.fdopen(descriptor, "w") as file:
        file.write(str(state))


def release(state: Path, claim: Path = CLAIM) -> None:
    """Gives the host back; nothing where another sandbox has it."""
    if holder(claim) == state:
        claim.unlink(missing_ok=True)
