"""`python -m operations report`: a stack's topology, cost, what it survives and its limits."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from operations.report.page import report
from operations.report.render import FORMATS
from operations.stack_files import add_stack_to, read_stack

_SUFFIXES = {".md": "markdown", ".html": "html", ".txt": "text"}


def add_to(commands: Any) -> None:
    """Adds the command to the parser's."""
    parser = commands.add_parser("report", help="what a stack costs, survives and is limited by, from its settings")
    add_stack_to(parser)
    parser.add_argument("--format", choices=FORMATS, help="default: by the output's suffix, else text")
    parser.add_argument("--output", type=Path, help="a file to write instead of standard output")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    output: Path | None = arguments.output
    chosen = arguments.format or (_SUFFIXES.get(output.suffix, "text") if output else "text")
    text = FORMATS[chosen](report(read_stack(arguments.stack, arguments.stacks)))
    if output:
        output.write_text(text)
        print(f"wrote {output}")
    else:
        sys.stdout.write(text)
    return 0
