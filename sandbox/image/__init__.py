"""The machine image: what a machine of the sandbox boots from."""

from sandbox.image.build import ensure

__all__ = ["ensure"]
