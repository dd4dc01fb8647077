"""The command line of the operations: one module per command, each with `add_to(commands)`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from operations.backups import command as backups
from operations.errors import OperationFailed
from operations.preview import command as preview
from operations.report import command as report
from operations.restore import command as restore
from operations.smoke import command as smoke
from operations.status import command as status

# As shells say it of SIGINT.
_INTERRUPTED: Final = 130


def main(arguments: Sequence[str]) -> int:
    """Runs a command and returns its exit code; a failure is a sentence, not a traceback."""
    parser = argparse.ArgumentParser(prog="python -m operations", description="What is done beside `pulumi up`.")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for module in (report, preview, status, backups, restore, smoke):
        module.add_to(commands)
    parsed = parser.parse_args(arguments)
    try:
        code: int = parsed.run(parsed)
    except OperationFailed as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return _INTERRUPTED
    return code


def checkout() -> Path:
    """The folder that holds the program."""
    return Path(__file__).resolve().parents[1]
