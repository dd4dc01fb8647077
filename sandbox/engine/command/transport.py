"""paramiko's transport, where it does less than the protocol says: refused requests, commands ended by a signal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import paramiko

Channel = Any
_Handler = Callable[[Channel, paramiko.Message], None]

# Neither is part of what paramiko promises; tests run a real sshd against them.
_HANDLERS: Mapping[int, _Handler] = vars(paramiko.Transport)["_channel_handler_table"]
_handle_request: _Handler = vars(paramiko.Channel)["_handle_request"]


def _note_refusal(channel: Channel, message: paramiko.Message) -> None:
    channel.event.set()


def _note_request(channel: Channel, message: paramiko.Message) -> None:
    start = message.packet.tell()
    name = message.get_text()
    if name == "exit-signal":
        message.get_boolean()
        channel.exit_signal = message.get_text()
        channel.status_event.set()
        return
    message.packet.seek(start)
    _handle_request(channel, message)


class Transport(paramiko.Transport):
    """Keeps a channel open when the host refuses a request on it, and keeps the signal that ended a command."""

    _channel_handler_table = {  # noqa: RUF012  (as the base class has it)
        **_HANDLERS,
        paramiko.common.MSG_CHANNEL_FAILURE: _note_refusal,
        paramiko.common.MSG_CHANNEL_REQUEST: _note_request,
    }
