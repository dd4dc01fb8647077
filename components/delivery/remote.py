"""Remote commands: calls of scripts that are already on the machine."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from pulumi import CustomResource, CustomTimeouts, Input, Output, Resource, ResourceOptions
from pulumi_command import remote

from components.access import LOGIN_USER
from components.delivery.node_files import BIN

# A machine that boots refuses connections at first. Retries back off to 5 s, so this is some ten minutes.
_DIAL_ATTEMPTS = 130
_DIAL_SECONDS = 15


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
        return remote.ConnectionArgs(
            host=self.host,
            user=LOGIN_USER,
            private_key=self.private_key,
            host_key=self.host_key,
            dial_error_limit=_DIAL_ATTEMPTS,
            per_dial_timeout=_DIAL_SECONDS,
            proxy=self.bastion.as_proxy() if self.bastion else None,
        )

    def as_proxy(self) -> remote.ProxyConnectionArgs:
        """This machine as the one that others are reached through."""
        return remote.ProxyConnectionArgs(
            host=self.host,
            user=LOGIN_USER,
            private_key=self.private_key,
            host_key=self.host_key,
            dial_error_limit=_DIAL_ATTEMPTS,
            per_dial_timeout=_DIAL_SECONDS,
        )

    def needed(self) -> list[Resource]:
        """What must be there before a connection is tried."""
        return [self.instance, *(self.bastion.needed() if self.bastion else [])]


def run_scripts(
    name: str,
    machine: RemoteMachine,
    scripts: Sequence[Sequence[str]],
    *,
    stdin: Input[str],
    parent: Resource,
    depends_on: Sequence[Resource] = (),
    secret: bool = False,
    timeout: str = "30m",
) -> remote.Command:
    """Runs scripts (name and arguments each) as root, one after the other; the first gets `stdin`.

    They run again when `stdin` changes, and on every new instance; so they must be idempotent. With `secret`, nothing
    of their output is logged. Secrets go through `stdin` only: command lines are shown in errors and process lists.
    """
    commands = [shlex.join(["sudo", f"{BIN}/{script}", *arguments]) for script, *arguments in scripts]
    command = " && ".join(commands)
    return remote.Command(
        name,
        connection=machine.connection(),
        create=command,
        update=command,
        stdin=stdin,
        # A new instance has the old address, so nothing else would tell.
        triggers=[machine.instance.id],
        logging=remote.Logging.NONE if secret else remote.Logging.STDOUT_AND_STDERR,
        add_previous_output_in_env=False,
        opts=ResourceOptions(
            parent=parent,
            depends_on=[*machine.needed(), *depends_on],
            # There is nothing to undo on a machine that is gone.
            deleted_with=machine.instance,
            custom_timeouts=CustomTimeouts(create=timeout, update=timeout),
            # What a script prints is not secret by itself, even where its input is.
            additional_secret_outputs=["stdout", "stderr"] if secret else None,
        ),
    )
