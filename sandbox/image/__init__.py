"""The machine image: what a machine of the sandbox boots from."""

from sandbox.image.build import current, ensure

__all__ = ["current", "ensure"]
