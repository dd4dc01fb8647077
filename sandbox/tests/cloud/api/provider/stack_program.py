"""A committed stack, STACK, with all that is AWS's in it: what would run on machines and in the cluster is left out."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pulumi
import yaml

CHECKOUT = Path(os.environ["CHECKOUT"])
NOT_AWS = (
    "pulumi_command.remote.Command",
    "pulumi_kubernetes.Provider",
    "components.checks.smoke.Smoke",
)


class LeftOut(pulumi.ComponentResource):
    """In place of a resource of another provider."""

    def __init__(self, name: str, *arguments: Any, opts: pulumi.ResourceOptions | None = None, **inputs: Any) -> None:
        super().__init__("test:index:LeftOut", name, None, pulumi.ResourceOptions(parent=opts.parent if opts else None))
        self.id = pulumi.Output.from_input(name)


def main() -> None:
    sys.path.insert(0, str(CHECKOUT))
    from components.cluster import Cluster
    from components.settings.validate import parse

    config = yaml.safe_load((CHECKOUT / f"stacks/Pulumi.{os.environ['STACK']}.yaml").read_text())["config"]
    settings = parse({k.removeprefix("quorate:"): v for k, v in config.items() if k.startswith("quorate:")})
    # For good: what waits for outputs runs when this function has returned.
    for name in NOT_AWS:
        patch(name, LeftOut).start()
    patch("components.cluster.install_addons", lambda *_: ()).start()
    patch("components.checks.reachable_api.last_error", lambda _: "").start()
    Cluster(settings.cluster.name, settings)


main()
