"""`python -m operations preview-comment`: a stack's preview as a comment for its pull request."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any, Final

from operations.errors import OperationFailed
from operations.preview.budget import LIMIT
from operations.preview.comment import comment
from operations.preview.digest import Preview, read_preview
from operations.preview.review import Review, Verdict, review
from operations.preview.run import run_preview

_FAILING: Final = (Verdict.FAILS, Verdict.BLOCKED)
_FULL: Final = 100 * LIMIT


def add_to(commands: Any) -> None:
    """Adds the command to the parser's."""
    parser = commands.add_parser(
        "preview-comment", help="a stack's preview, judged, as a comment for its pull request", description=__doc__
    )
    parser.add_argument("--stack", required=True, help="the stack to preview")
    parser.add_argument("--preview", type=Path, help="a saved `pulumi preview --json --show-sames`, instead of a run")
    parser.add_argument("--events", type=Path, help="the event log saved with it, for policies")
    parser.add_argument("--policy-pack", type=Path, action="append", help="default: policies, where it is")
    parser.add_argument("--output", type=Path, help="a file for the comment, instead of standard output")
    parser.add_argument("--full", type=Path, help="a file for the comment without its limit of length")
    parser.add_argument("--limit", type=int, default=LIMIT, help=f"bytes (default: {LIMIT:,}, GitHub's)")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    found = review(arguments.stack, _preview(arguments))
    text = comment(found, arguments.limit)
    if arguments.full:
        arguments.full.write_text(comment(found, _FULL))
    if arguments.output:
        arguments.output.write_text(text)
        print(f"wrote {arguments.output}: {found.verdict}")
    else:
        sys.stdout.write(text)
    return exit_code(found)


def exit_code(found: Review) -> int:
    """1 for what can't be applied, so that the check on the pull request fails; the comment is there all the same."""
    return 1 if found.verdict in _FAILING else 0


def _preview(arguments: argparse.Namespace) -> Preview:
    if arguments.preview is None:
        packs = arguments.policy_pack
        if packs is None:
            packs = [path for path in (Path("policies"),) if (path / "PulumiPolicy.yaml").is_file()]
        return run_preview(arguments.stack, Path(), packs)
    try:
        events = arguments.events.read_text().splitlines() if arguments.events else ()
        return read_preview(arguments.preview.read_text(), events)
    except OSError as error:
        raise OperationFailed(f"can't read {error.filename}: {error.strerror}") from None
