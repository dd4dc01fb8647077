"""The error that the command line shows to a person as it is, without a traceback."""

from __future__ import annotations


class SandboxError(Exception):
    """What was found, where, and what to do."""
