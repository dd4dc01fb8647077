"""Accepting connections: a thread for each, until told to stop."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable


class Acceptor:
    """Hands each connection of an open listening socket, with its source address, to `serve` in a thread of its own."""

    def __init__(self, listener: socket.socket, serve: Callable[[socket.socket, str], None], name: str) -> None:
        self._listener = listener
        self._serve = serve
        self._name = name

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def start(self) -> None:
        threading.Thread(target=self._accept, name=self._name, daemon=True).start()

    def stop(self) -> None:
        """No new connections from here on; those that are open go on."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, source = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection, source[0] if source else ""), daemon=True).start()
