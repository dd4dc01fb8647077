"""Texts in the form that the original, a Go program, gives them."""

from __future__ import annotations

import os
import signal

_ESCAPES = {"\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v"}


def quoted(text: str) -> str:
    """The text as Go's %q prints it."""
    return '"' + "".join(_quoted_character(character) for character in text) + '"'


def _quoted_character(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def exit_text(returncode: int) -> str:
    """`exit status 3` or `signal: killed`, for the return code of a subprocess."""
    if returncode >= 0:
        return f"exit status {returncode}"
    name = signal.strsignal(-returncode) or f"signal {-returncode}"
    return f"signal: {name.lower()}"


def system_text(problem: OSError) -> str:
    """`no such file or directory`: the system's words, in lower case."""
    return os.strerror(problem.errno).lower() if problem.errno else str(problem)


def without_last_newline(text: str) -> str:
    return text.removesuffix("\n")
