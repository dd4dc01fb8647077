"""The stack: read the settings, build the cluster, export how to reach it."""

from __future__ import annotations

import gc
import sys
from functools import partial
from typing import Final

import pulumi

from components.cluster import Cluster
from components.delivery.user_data_limit import exceeded_user_data
from components.network.rule_limit import exceeded_rules
from components.previous_update import previous_update
from components.settings.configuration import Check
from components.settings.encode import plain
from components.settings.load import load
from components.zones import moved

# What Pulumi's language host takes for "everything is said": it adds no "unhandled error" of its own.
_REPORTED: Final = 32


def main() -> None:
    # A run lasts seconds and leaves little behind. Looking for it took as long as the rest of the program, as each look
    # goes through all that the SDKs' modules hold.
    gc.disable()
    try:
        declare()
    except pulumi.RunError as refusal:
        pulumi.log.error(str(refusal))
        sys.exit(_REPORTED)


def declare() -> None:
    previous = previous_update()
    checks: list[Check] = [
        exceeded_user_data,
        partial(exceeded_rules, living=previous.settings),
        partial(moved, there=previous.zones, living=previous.settings),
    ]
    settings = load(previous.settings, previous.identified, checks)
    cluster = Cluster(settings.cluster.name, settings, previous)
    pulumi.export("kubeconfig", cluster.kubeconfig)
    pulumi.export("apiAddress", cluster.api_address)
    pulumi.export("apiEndpoint", cluster.api_endpoint)
    pulumi.export("machines", cluster.machines)
    pulumi.export("sshPrivateKey", cluster.ssh_private_key)
    pulumi.export("sshKnownHosts", cluster.ssh_known_hosts)
    if cluster.snapshots is not None:
        pulumi.export("snapshots", cluster.snapshots)
    pulumi.export("settings", plain(settings))


main()
