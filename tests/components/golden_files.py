"""Comparison with reviewed files. A difference writes NAME.new and fails: accepting it is a person's act."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent / "golden"


def assert_is_reviewed(name: str, text: str) -> None:
    """Fails unless `text` is the content of golden/`name`."""
    golden = FOLDER / name
    proposed = golden.with_name(f"{name}.new")
    if golden.exists() and golden.read_text() == text:
        proposed.unlink(missing_ok=True)
        return
    proposed.write_text(text)
    raise AssertionError(f"{name} is not what was reviewed: compare it with {proposed}, and move that over it if right")
