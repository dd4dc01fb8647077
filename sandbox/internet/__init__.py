"""The part of the internet that machines download from, as files on this host served under their real names."""

from sandbox.internet.build import current, ensure

__all__ = ["current", "ensure"]
