"""`python -m sandbox.toolchain [TOOL …]`: builds what the cache lacks."""

from __future__ import annotations

import sys

from sandbox.toolchain.build import BuildError, build_all
from sandbox.toolchain.tools import TOOLS

if __name__ == "__main__":
    known = {tool.name for tool in TOOLS}
    unknown = sorted(set(sys.argv[1:]) - known)
    if unknown:
        sys.exit(f"no tool is called {', '.join(unknown)}; tools: {', '.join(sorted(known))}")
    try:
        build_all(names=sys.argv[1:] or None)
    except BuildError as problem:
        sys.exit(f"error: {problem}")
