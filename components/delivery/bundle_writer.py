"""Writes what node/common/bundle.py reads. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from components.node.common.bundle import BundledFile, BundleError


def write_bundle(files: Iterable[BundledFile]) -> str:
    """Raises BundleError for a file that doesn't end with a newline."""
    parts = []
    for file in files:
        if file.content and not file.content.endswith("\n"):
            raise BundleError(f"{file.path} does not end with a newline")
        parts.append(f"%%% {file.mode} {file.content.count(chr(10))} {file.path}\n{file.content}")
    return "".join(parts) + f"%%% end {len(parts)}\n"
