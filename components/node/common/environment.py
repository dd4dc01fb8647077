"""node.env: what this machine knows about itself and its cluster, as NAME=VALUE lines in the shell's quoting."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from pathlib import Path

from components.node.common.failure import Failure

ETC = Path(os.environ.get("QUORATE_ETC", "/etc/quorate"))


def read_environment(*required: str) -> Mapping[str, str]:
    """All values of node.env. Raises Failure where one of `required` is not set there, or empty."""
    path = ETC / "node.env"
    try:
        lines = path.read_text().splitlines()
    except OSError as error:
        raise Failure(f"{path} can't be read ({error}); run pulumi up, which delivers the file") from error
    values = {}
    for line in lines:
        name, found, value = line.partition("=")
        if found:
            values[name.strip()] = "".join(shlex.split(value))
    missing = [name for name in required if not values.get(name)]
    if missing:
        raise Failure(f"{path} does not set {', '.join(missing)}; run pulumi up, which delivers the file")
    return values
