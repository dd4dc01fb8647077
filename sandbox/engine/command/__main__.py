"""Entry of the plugin `command`: the engine starts it and reads the port from its standard output."""

from __future__ import annotations

import logging

from sandbox.engine.command.servicer import CommandPlugin
from sandbox.engine.plugin.server import serve


def main() -> None:
    # paramiko prints the traceback of every failed handshake; ours are answers to the engine.
    logging.getLogger("paramiko").addHandler(logging.NullHandler())
    logging.getLogger("paramiko").propagate = False
    serve(CommandPlugin)


if __name__ == "__main__":
    main()
