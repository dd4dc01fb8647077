"""Starts the pack. The engine runs this folder; everything else is importable and tested without it."""

from __future__ import annotations

import sys
from pathlib import Path


def main() -> None:
    # Python put this folder first. The rules import `policies` and `components`, which lie in the folder above.
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    from policies.pack import start

    start()


if __name__ == "__main__":
    main()
