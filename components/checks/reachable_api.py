"""Holds back what talks to the cluster from here until its public endpoint answers."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources

from pulumi import CustomTimeouts, Input, Output, Resource, ResourceOptions
from pulumi_command import local

# A new load balancer takes minutes to look at its targets.
_SECONDS = 600


def reachable_api(name: str, host: Input[str], port: int, parent: Resource, after: Sequence[Resource]) -> local.Command:
    """Complete when `https://HOST:PORT/readyz` answers the host that runs pulumi."""
    command = Output.concat("python3 - https://", host, f":{port}/readyz {_SECONDS}")
    return local.Command(
        name,
        create=command,
        update=command,
        stdin=resources.files("components.checks").joinpath("wait_for_api.py").read_text(),
        add_previous_output_in_env=False,
        opts=ResourceOptions(parent=parent, depends_on=after, custom_timeouts=CustomTimeouts(create="12m")),
    )
