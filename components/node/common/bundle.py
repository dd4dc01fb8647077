"""The form in which files travel to machines: plain text, so that a preview shows the lines that change.

A file is a header line, then its lines:
  %%% MODE LINES PATH
and the last line is "%%% end FILES". Read by the machine and by whoever reviews a preview; what writes it stands in
delivery/bundle_writer.py, as user data has no room for what a machine does not need.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_HEADER = re.compile(r"%%% (?P<mode>[0-7]{4}) (?P<lines>[0-9]+) (?P<path>/\S+)")
_END = re.compile(r"%%% end (?P<files>[0-9]+)")


@dataclass(frozen=True)
class BundledFile:
    """`mode` is octal, as chmod writes it."""

    path: str
    content: str
    mode: str = "0644"


class BundleError(ValueError):
    """The text is no bundle, or not all of one."""


def read_bundle(text: str) -> tuple[BundledFile, ...]:
    """The files of a whole bundle. Raises BundleError, saying where, for anything else."""
    lines = text.split("\n")
    files: list[BundledFile] = []
    position = 0
    while position < len(lines):
        if end := _END.fullmatch(lines[position]):
            if int(end["files"]) != len(files):
                raise BundleError(f"{len(files)} files arrived of {end['files']}")
            return tuple(files)
        header = _HEADER.fullmatch(lines[position])
        if header is None:
            # Not the line itself: it may be one of a key.
            raise BundleError(
                f"file {len(files) + 1} begins, at line {position + 1}, with something else than a header"
            )
        first, count = position + 1, int(header["lines"])
        # The text after the last newline is no line.
        if first + count > len(lines) - 1:
            raise BundleError(
                f"the input ended {first + count - len(lines) + 1} lines before the end of {header['path']}"
            )
        content = "".join(f"{line}\n" for line in lines[first : first + count])
        files.append(BundledFile(header["path"], content, header["mode"]))
        position = first + count
    raise BundleError(f"the input ended after {len(files)} files, before its end mark")
