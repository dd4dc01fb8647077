"""Steps on machines: remote commands, each a call of what is on the machine already or comes by standard input."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pulumi import ComponentResource, CustomResource, CustomTimeouts, Input, Output, Resource, ResourceOptions
from pulumi_command import remote

from components.delivery.bundle_writer import write_bundle
from components.delivery.node_files import BIN, PROGRAM, NodeFile
from components.plan import LOGIN_USER

# A machine that boots refuses connections at first. Retries back off to 5 s, so this is some ten minutes.
_DIAL_ATTEMPTS = 130
_DIAL_SECONDS = 15

Files = Output[tuple[NodeFile, ...]]

# By the names that machines of every release have: on a living one the first delivery brings this release's program.
_RECEIVE_FILES = [f"{BIN}/receive-files.sh"]
_INSTALL_RENEWED_KEYS = [f"{BIN}/install-certificates.sh", "renewed"]


@dataclass(frozen=True)
class RemoteMachine:
    """A machine that takes commands by SSH, as soon as its instance has booted; through `bastion`, if there is one."""

    name: str
    host: Output[str]
    host_key: Output[str]
    private_key: Output[str]
    instance: CustomResource
    bastion: RemoteMachine | None = None

    def connection(self) -> remote.ConnectionArgs:
        return remote.ConnectionArgs(**self._login(), proxy=self.bastion.as_proxy() if self.bastion else None)

    def as_proxy(self) -> remote.ProxyConnectionArgs:
        """This machine as the one that others are reached through."""
        return remote.ProxyConnectionArgs(**self._login())

    def _login(self) -> Mapping[str, Any]:
        return {
            "host": self.host,
            "user": LOGIN_USER,
            "private_key": self.private_key,
            "host_key": self.host_key,
            "dial_error_limit": _DIAL_ATTEMPTS,
            "per_dial_timeout": _DIAL_SECONDS,
        }

    def needed(self) -> list[Resource]:
        """What must be there before a connection is tried."""
        return [self.instance, *(self.bastion.needed() if self.bastion else [])]


class DeliveredStep(ComponentResource):
    """A machine's keys, delivered in silence, then its files, which a preview shows, and the step that acts on them.

    Complete when the step is. Changed keys are installed again; changed files make the step run again. `token` and the
    names of both commands are part of every state.
    """

    configured: CustomResource

    def __init__(
        self,
        token: str,
        name: str,
        machine: RemoteMachine,
        keys: Mapping[str, Output[str]],
        as_files: Callable[[Mapping[str, str]], tuple[NodeFile, ...]],
        files: Files,
        step: str,
        opts: ResourceOptions | None = None,
        after: Sequence[Resource] = (),
    ) -> None:
        """`after` is what the step waits for: an option of a component does not reach the commands in it."""
        super().__init__(token, name, None, opts)
        delivered = _run(
            f"{name}-pki",
            machine,
            [_RECEIVE_FILES, _INSTALL_RENEWED_KEYS],
            stdin=Output.secret(Output.all(**keys).apply(lambda pems: write_bundle(as_files(pems)))),
            parent=self,
            secret=True,
        )
        self.configured = _run(
            f"{name}-configure",
            machine,
            [_RECEIVE_FILES, [PROGRAM, step]],
            stdin=files.apply(write_bundle),
            parent=self,
            depends_on=[delivered, *after],
        )
        self.register_outputs({})


def run_step(
    name: str,
    machine: RemoteMachine,
    step: Sequence[str],
    *,
    stdin: Input[str],
    parent: Resource,
    depends_on: Sequence[Resource] = (),
) -> remote.Command:
    """Runs a step of the node program, with its arguments, on a machine that has it.

    It runs again when `stdin` changes, and on every new instance; so it must be idempotent.
    """
    return _run(name, machine, [[PROGRAM, *step]], stdin=stdin, parent=parent, depends_on=depends_on)


def fingerprint(*texts: str) -> str:
    """Changes with each of the texts: a step that is given it runs again when they change."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


def _run(
    name: str,
    machine: RemoteMachine,
    commands: Sequence[Sequence[str]],
    *,
    stdin: Input[str],
    parent: Resource,
    depends_on: Sequence[Resource] = (),
    secret: bool = False,
) -> remote.Command:
    """Runs commands as root, one after the other; the first gets `stdin`. With `secret`, no output is logged.

    Secrets go through `stdin` only: command lines are shown in errors and process lists.
    """
    command = " && ".join(shlex.join(["sudo", *words]) for words in commands)
    return remote.Command(
        name,
        connection=machine.connection(),
        create=command,
        update=command,
        stdin=stdin,
        # A new instance has the old address, so nothing else would show that it is new.
        triggers=[machine.instance.id],
        logging=remote.Logging.NONE if secret else remote.Logging.STDOUT_AND_STDERR,
        add_previous_output_in_env=False,
        opts=ResourceOptions(
            parent=parent,
            depends_on=[*machine.needed(), *depends_on],
            # There is nothing to undo on a machine that is gone.
            deleted_with=machine.instance,
            custom_timeouts=CustomTimeouts(create="30m", update="30m"),
            # What a command prints is not secret by itself, even where its input is.
            additional_secret_outputs=["stdout", "stderr"] if secret else None,
        ),
    )
