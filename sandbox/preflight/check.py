"""The look at the host before `up` does anything."""

from __future__ import annotations

from sandbox.host import HostError
from sandbox.paths import cache_dir
from sandbox.preflight.detect import situation
from sandbox.preflight.rules import numbers, problems
from sandbox.preflight.situation import Work
from sandbox.toolchain.build import missing_tools
from sandbox.toolchain.tools import TOOLS


def require_host() -> None:
    """Raises HostError with all that keeps the sandbox from running here."""
    found = problems(situation(), work_to_do())
    if len(found) == 1:
        raise HostError(str(found[0]))
    if found:
        raise HostError("\n".join([f"{len(found)} things to mend on this host:", *(f"  - {item}" for item in found)]))


def work_to_do() -> Work:
    """What the cache lacks."""
    tools = missing_tools()
    return Work(
        tools=tuple(tool.name for tool in tools),
        go=max((tool.go_version for tool in TOOLS), key=numbers),
        image=not any(cache_dir().glob("image-packages-*")),
        site=not any(cache_dir().glob("internet-*")),
    )
