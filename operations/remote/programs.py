"""Programs of the operator's own machine."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from typing import Final

from operations.errors import NotAnswered

_SECONDS: Final = 120


def said(command: Sequence[str], seconds: float = _SECONDS) -> str:
    """What a command prints. Raises NotAnswered with what it complains of."""
    called = " ".join(command[:3])
    try:
        outcome = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds)
    except FileNotFoundError:
        raise NotAnswered(f"there is no `{command[0]}` on the PATH") from None
    except subprocess.TimeoutExpired:
        raise NotAnswered(f"`{called}` gave no answer within {seconds:.0f} s") from None
    if outcome.returncode != 0:
        complaint = outcome.stderr.strip() or outcome.stdout.strip() or f"it ended with {outcome.returncode}"
        code = re.search(r"An error occurred \(([\w.]+)\)", complaint)
        raise NotAnswered(f"`{called}`: {complaint.splitlines()[-1].rstrip('.')}", code[1] if code else "")
    return outcome.stdout
