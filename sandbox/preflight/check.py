"""The check of the host before `up` does anything."""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.host import HostError
from sandbox.paths import cache_dir
from sandbox.preflight.detect import situation
from sandbox.preflight.rules import numbers, problems
from sandbox.preflight.situation import Work
from sandbox.toolchain.build import missing_tools
from sandbox.toolchain.tools import TOOLS


def require_host(tools: Iterable[str]) -> None:
    """Raises HostError with all that keeps a sandbox with these tools from running here."""
    found = problems(situation(), work_to_do(tools))
    if len(found) == 1:
        raise HostError(str(found[0]))
    if found:
        raise HostError("\n".join([f"{len(found)} problems to fix on this host:", *(f"  - {item}" for item in found)]))


def work_to_do(names: Iterable[str]) -> Work:
    """What the cache lacks of a sandbox with these tools."""
    tools = missing_tools(names)
    return Work(
        tools=tuple(tool.name for tool in tools),
        go=max((tool.go_version for tool in TOOLS), key=numbers),
        image=not any(cache_dir().glob("image-packages-*")),
        site=not any(cache_dir().glob("internet-*")),
    )
