"""What holds for every test of the sandbox."""

from __future__ import annotations

from hypothesis import settings

# How long an example takes says how busy the machine is.
settings.register_profile("at any speed", deadline=None)
settings.load_profile("at any speed")
