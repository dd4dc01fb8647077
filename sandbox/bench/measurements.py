"""docs/measurements.md: one section per kind of measurement, replaced as a whole."""

from __future__ import annotations

import os
import platform
import time

from sandbox.paths import CHECKOUT

FILE = CHECKOUT / "docs" / "measurements.md"

_TITLE = """# Measurements

The latest run of each kind; earlier ones are in git. Written by `make bench`, `make bench-preview` and
`make bench-leftovers` with `WRITE=--write`. The speed of a host drifts: compare figures only where the CPU seconds of
booting a bare machine are close.
"""


def write(heading: str, tables: str) -> None:
    """Puts the tables of a measurement into the file, in place of its last ones."""
    text = FILE.read_text() if FILE.exists() else _TITLE
    FILE.write_text(replaced(text, heading, f"{_host()}\n\n{tables}"))


def replaced(text: str, heading: str, body: str) -> str:
    """The document with the section under `## heading` replaced, or with a new one at its end. Pure."""
    sections = text.split("\n## ")
    fresh = f"{heading}\n\n{body.strip()}\n"
    for index, section in enumerate(sections[1:], start=1):
        if section.splitlines()[0] == heading:
            sections[index] = fresh
            break
    else:
        sections.append(fresh)
    return "\n## ".join(section.rstrip("\n") + "\n" for section in sections)


def _host() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    return (
        f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, {memory:.0f} GiB of memory, Linux {platform.release()}."
    )
