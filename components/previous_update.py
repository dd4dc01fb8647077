"""The cluster that is there already, as the stack's own state knows it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi

from components.settings.encode import plain
from components.settings.model import Settings
from components.settings.validate import restore

CLUSTER_TYPE = "quorate:index:Cluster"
OUTPUT = "settings"
CONTROL_PLANE_TYPE = "quorate:machines:ControlPlaneMachine"
ETCD_MEMBER = "etcdMember"

# Of the engine itself. Unlike a StackReference it answers before anything is registered, and unlike the stack's outputs
# it has what an update that failed half-way had done.
_READ_STATE = "pulumi:pulumi:readStackResourceOutputs"
_READ_SECONDS = 10
_INSTANCE = "aws:ec2/instance:Instance"
_COMMAND = "command:remote:Command"
_KUBERNETES_PROVIDER = "pulumi:providers:kubernetes"
_TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
_SUBNET = "aws:ec2/subnet:Subnet"
# As network/ names them, in all releases: by the number of the zone.
_SUBNETS_ZONE = re.compile(r"-(?:public|private)-(\d+)$")


@dataclass(frozen=True)
class PreviousUpdate:
    """What an update may change with care only. Empty where there is no cluster yet.

    `settings` are those that it was made or last changed with, `zones` those in which it has subnets, by number from 0.
    The rest is by the names of resources: `instance_types` of the instances, which lack a machine that is gone;
    `etcd_members`, the control planes with a member's data on their disks; `done`, the commands that have run on the
    instance which is there now; `user_data` that of launch templates. Not `identified`: the provider of what lives in
    the cluster knows the cluster by the API's address alone.
    """

    settings: Settings | None = None
    instance_types: Mapping[str, str] = field(default_factory=dict)
    etcd_members: frozenset[str] = frozenset()
    done: frozenset[str] = frozenset()
    identified: bool = True
    user_data: Mapping[str, str] = field(default_factory=dict)
    zones: Mapping[int, str] = field(default_factory=dict)


def record(settings: Settings) -> Mapping[str, str]:
    """The cluster's output for its next update. As text, because the engine turns whole numbers into fractions."""
    return {OUTPUT: json.dumps(plain(settings), sort_keys=True)}


def previous_update() -> PreviousUpdate:
    """The cluster in this stack's state. Warns, and gives no settings, where those of its record can't be read.

    Raises pulumi.RunError where the state itself can't be read.
    """
    stack = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
    return previous_update_in(_state_of(stack).get("outputs") or {})


def _state_of(stack: str) -> Mapping[str, Any]:
    """Asks until there is an answer. On a disk Pulumi replaces a state at once, but overwrites the attributes beside it
    in place, and it does so just as a program begins: who reads between meets "failed to load checkpoint: EOF".
    """
    deadline = time.monotonic() + _READ_SECONDS
    while True:
        try:
            return pulumi.runtime.invoke(_READ_STATE, {"stackName": stack}).value or {}
        # The SDK has no narrower one.
        except Exception as error:
            if time.monotonic() >= deadline:
                raise pulumi.RunError(
                    f"the state of the stack {stack} could not be read for {_READ_SECONDS} s, so what may change on "
                    f"its cluster is not known; nothing was created or changed. The last error: {error}\n"
                    "Run it again; if the error stays, check the backend (`pulumi whoami --verbose` names it)."
                ) from error
        time.sleep(0.1)


def previous_update_in(resources: Mapping[str, Any]) -> PreviousUpdate:
    """The cluster in `resources`: URN to its type and outputs."""
    instances, control_planes = _of_type(resources, _INSTANCE), _of_type(resources, CONTROL_PLANE_TYPE)
    ids = {outputs.get("id") for outputs in instances.values()}
    commands = _of_type(resources, _COMMAND)
    return PreviousUpdate(
        _settings(resources),
        {name: outputs["instanceType"] for name, outputs in instances.items()},
        frozenset(name for name, outputs in control_planes.items() if outputs.get(ETCD_MEMBER)),
        frozenset(name for name, outputs in commands.items() if ids & set(outputs.get("triggers") or ())),
        all(outputs.get("clusterIdentifier") for outputs in _of_type(resources, _KUBERNETES_PROVIDER).values()),
        {name: outputs.get("userData") or "" for name, outputs in _of_type(resources, _TEMPLATE).items()},
        _zones(resources),
    )


def _zones(resources: Mapping[str, Any]) -> Mapping[int, str]:
    """Of an update that failed half-way only some; of a cluster that an older release made, too."""
    return {
        int(named[1]): outputs["availabilityZone"]
        for name, outputs in _of_type(resources, _SUBNET).items()
        if (named := _SUBNETS_ZONE.search(name)) and outputs.get("availabilityZone")
    }


def _settings(resources: Mapping[str, Any]) -> Settings | None:
    for outputs in _of_type(resources, CLUSTER_TYPE).values():
        recorded = outputs.get(OUTPUT)
        if not isinstance(recorded, str):
            continue
        try:
            return restore(json.loads(recorded))
        except (ValueError, RecursionError) as error:
            pulumi.log.warn(
                "the state's record of this cluster's settings can't be read, so what may change on an existing "
                f"cluster is not checked here; compare the preview with the last deployment yourself.\n{error}"
            )
    return None


def _of_type(resources: Mapping[str, Any], wanted: str) -> Mapping[str, Mapping[str, Any]]:
    """Outputs by the resource's name."""
    return {
        urn.rpartition("::")[2]: found.get("outputs") or {}
        for urn, found in resources.items()
        if found.get("type") == wanted
    }
