"""Makes what `pulumi preview --json` prints, in the engine's own form, with the program's real node files in it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from components.delivery.bundle_writer import write_bundle
from components.delivery.control_plane_files import control_plane_files
from components.delivery.node_files import BIN, PROGRAM
from components.kubeadm.documents import ControlPlaneNode
from components.kubeadm.labels import Place
from components.network_plugins.network_plugin import network_plugin
from components.plan import Plan
from components.settings.encode import plain
from components.settings.model import EtcdTopology, Settings
from pricing.topology import Kind, TopologyMachine, topology

INSTANCE: Final = "aws:ec2/instance:Instance"
VOLUME: Final = "aws:ebs/volume:Volume"
COMMAND: Final = "command:remote:Command"
LAUNCH_TEMPLATE: Final = "aws:ec2/launchTemplate:LaunchTemplate"


@dataclass
class Digest:
    """A preview that is put together step by step."""

    stack: str
    old: Settings | None
    new: Settings
    steps: list[dict[str, Any]] = field(default_factory=list)
    diagnostics: list[dict[str, Any]] = field(default_factory=list)

    def urn(self, kind: str, name: str) -> str:
        return f"urn:pulumi:{self.stack}::quorate::quorate:index:Cluster${kind}::{name}"

    def add(
        self,
        kind: str,
        name: str,
        op: str = "same",
        old: dict[str, Any] | None = None,
        new: dict[str, Any] | None = None,
        needs: Sequence[str] = (),
        **more: Any,
    ) -> str:
        """Adds a step and returns its URN."""
        urn = self.urn(kind, name)
        step: dict[str, Any] = {"op": op, "urn": urn, **more}
        if op != "create":
            step["oldState"] = {"urn": urn, "type": kind, "inputs": old or {}, "dependencies": list(needs)}
        if op != "delete":
            step["newState"] = {"urn": urn, "type": kind, "inputs": new or old or {}, "dependencies": list(needs)}
        self.steps.append(step)
        return urn

    def text(self) -> str:
        root = f"urn:pulumi:{self.stack}::quorate::pulumi:pulumi:Stack::quorate-{self.stack}"
        state = {"urn": root, "type": "pulumi:pulumi:Stack", "inputs": {}}
        first: dict[str, Any] = {"op": "same" if self.old else "create", "urn": root, "newState": state}
        if self.old:
            first["oldState"] = {**state, "outputs": {"settings": plain(self.old)}}
        config = {f"quorate:{group}": json.dumps(value) for group, value in plain(self.new).items()}
        if self.new.etcd.topology is EtcdTopology.STACKED:
            # Stacked etcd has no say about members and their machines: a file leaves these out.
            config["quorate:etcd"] = json.dumps({"topology": "stacked", "volumeGib": self.new.etcd.volume_gib})
        config["aws:region"] = "eu-central-1"
        return json.dumps({"config": config, "steps": [first, *self.steps], "diagnostics": self.diagnostics})


def machine_bundle(settings: Settings, machine: TopologyMachine) -> str:
    """What the configure step of a machine delivers."""
    plan = Plan(settings)
    (planned,) = (planned for planned in plan.control_planes if planned.name == machine.name)
    node = ControlPlaneNode(planned, Place("eu-central-1", "eu-central-1a"), "198.51.100.1")
    return write_bundle(control_plane_files(plan, node, network_plugin(plan), f"vol-{machine.name}"))


def configures(stdin: str, step: str = "configure-control-plane") -> dict[str, Any]:
    """The inputs of a command that delivers files and runs a step with them."""
    command = f"sudo {BIN}/receive-files.sh && sudo {PROGRAM} {step}"
    return {"create": command, "update": command, "stdin": stdin}


def rollout(stack: str, old: Settings, new: Settings, in_turn: bool) -> Digest:
    """A change of settings as the program would roll it over all machines, one after the other or all at once."""
    digest = Digest(stack, old, new)
    cluster, last = new.cluster.name, ""
    before = {machine.name: machine for machine in topology(old).machines}
    for machine in topology(new).machines:
        name, was = f"{cluster}-{machine.name}", before[machine.name]
        chain = [last] if last and in_turn else []
        instance = digest.add(
            INSTANCE, f"{name}-instance",
            "update" if was.instance_type != machine.instance_type else "same",
            {"instanceType": was.instance_type}, {"instanceType": machine.instance_type}, chain,
        )  # fmt: skip
        last = instance
        if machine.holds_member:
            op = "update" if was.etcd_gib != machine.etcd_gib else "same"
            digest.add(VOLUME, f"{name}-etcd", op, {"size": was.etcd_gib}, {"size": machine.etcd_gib})
        if machine.kind is Kind.CONTROL_PLANE:
            texts = machine_bundle(old, was), machine_bundle(new, machine)
            op = "update" if texts[0] != texts[1] else "same"
            last = digest.add(
                COMMAND, f"{name}-configure", op, configures(texts[0]), configures(texts[1]), [instance, *chain]
            )
    built = topology(new)
    for number in range(built.nat_gateways):
        digest.add("aws:ec2/natGateway:NatGateway", f"{cluster}-nat-{number}")
    for balancer in built.load_balancers:
        digest.add("aws:lb/loadBalancer:LoadBalancer", f"{cluster}-api-{balancer.name}")
    for pool in built.pools:
        digest.add("aws:autoscaling/group:Group", f"{cluster}-pool-{pool.name}")
    return digest
