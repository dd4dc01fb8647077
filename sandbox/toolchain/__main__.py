"""`python -m sandbox.toolchain [TOOL …]` builds what the cache lacks; `--path TOOL/COMMAND` prints where it is."""

from __future__ import annotations

import argparse
import sys

from sandbox.toolchain.build import BuildError, binary, build_all
from sandbox.toolchain.tools import TOOLS


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m sandbox.toolchain", description=__doc__)
    parser.add_argument("tools", nargs="*", metavar="TOOL", help="build only these")
    parser.add_argument("--path", metavar="TOOL/COMMAND", help="print the path of a built command, and build nothing")
    chosen = parser.parse_args()
    known = {tool.name: tool.commands for tool in TOOLS}
    if chosen.path:
        tool, _, command = chosen.path.partition("/")
        if command not in known.get(tool, {}):
            commands = " ".join(f"{name}/{command}" for name, of_tool in sorted(known.items()) for command in of_tool)
            return _fails(f"no tool has {chosen.path}; there are: {commands}")
        path = binary(tool, command)
        if not path.exists():
            return _fails(f"{chosen.path} has not been built: run `python -m sandbox.toolchain {tool}`")
        print(path)
        return 0
    unknown = sorted(set(chosen.tools) - set(known))
    if unknown:
        return _fails(f"no tool is called {', '.join(unknown)}; tools: {', '.join(sorted(known))}")
    try:
        build_all(names=chosen.tools or None)
    except BuildError as problem:
        return _fails(str(problem))
    return 0


def _fails(message: str) -> int:
    print(f"error: {message}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
