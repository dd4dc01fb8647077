"""What a step does to a running cluster: what it interrupts, and which data it touches. Pure, a table of rules.

What a step on a machine interrupts is declared beside what it delivers: components/delivery/effects.py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final

from components.delivery.effects import INPUT, Interruption, RemoteStep, changed_parts, step_of
from operations.preview.digest import Action, Step
from operations.preview.node_lines import MachineChange

_MACHINE: Final = re.compile(r"-(control-plane-[0-9]+|etcd-[0-9]+|bastion)(?:-|$)")
_STATEFUL: Final = (
    "aws:ebs/volume:Volume",
    "aws:s3/bucket:Bucket",
    "aws:s3/bucketObject",
    "aws:s3/bucketV2:BucketV2",
    "aws:kms/key:Key",
    "tls:index/privateKey:PrivateKey",
    "tls:index/selfSignedCert:SelfSignedCert",
)
# Keys that are published or signed again where they change: of machines' SSH servers, and of single certificates.
_LEAF: Final = re.compile(r"-host-key-|-pki-(?!.*-ca$)(?!service-accounts$)")
_RETENTION: Final = "aws:s3/bucketLifecycleConfiguration:"
_ADDRESSES: Final = ("aws:ec2/networkInterface:NetworkInterface", "aws:ec2/eip:Eip")
_API_FRONT: Final = ("aws:lb/loadBalancer:LoadBalancer", "aws:lb/targetGroup:TargetGroup", "aws:lb/listener:Listener")
_STOPPING_KEYS: Final = ("instanceType", "userData", "userDataBase64", "ebsOptimized", "cpuOptions")
_REMOTE: Final = "command:remote:Command"


class Impact(IntEnum):
    """How much a step interrupts, from nothing to data that is gone."""

    NONE = 0
    PASSING = 1  # something restarts; neither API nor pods stop
    WORKERS = 2  # pods move to other machines
    MACHINE = 3  # a machine's API server or etcd member pauses
    API = 4  # what is in front of the API servers is gone
    DATA = 5  # data or keys are gone


@dataclass(frozen=True)
class Effect:
    """What a step interrupts, in words; `machine` is the one that pauses, with Impact.MACHINE.

    Effects of one `lock` never happen at the same time: the machines see to that themselves.
    """

    impact: Impact
    words: str
    machine: str = ""
    lock: str = ""


def machine_of(name: str, cluster: str) -> str:
    """The machine in a resource's name (`<cluster>-etcd-0-…`), or nothing."""
    found = _MACHINE.search(name.removeprefix(cluster))
    return found[1] if found else ""


def is_stateful(step: Step) -> bool:
    """Whether the resource holds what can't be made again: disks, buckets, keys that others were signed with."""
    return step.type.startswith(_STATEFUL) and not (step.type.startswith("tls:") and _LEAF.search(step.name))


def effect(step: Step, change: MachineChange | None, cluster: str) -> Effect:
    """What a step does to the running cluster."""
    machine = machine_of(step.name, cluster)
    if step.action is Action.SAME or step.is_component:
        return Effect(Impact.NONE, "")
    if "SecurityGroup" in step.type and "Rule" in step.type:
        return Effect(Impact.NONE, _traffic(step))
    if step.action is Action.CREATE:
        return Effect(Impact.NONE, "")
    gone = step.action in (Action.REPLACE, Action.DELETE)
    if step.type.startswith("tls:") and gone and not is_stateful(step):
        unused = step.action is Action.DELETE
        return Effect(
            Impact.NONE, "is removed with what used it" if unused else "a new one, published where it is used"
        )
    if is_stateful(step) and gone:
        if step.retained:
            return Effect(Impact.PASSING, "is left in AWS and no longer managed")
        return Effect(Impact.DATA, _loss(step))
    if step.type.startswith(_RETENTION) and step.action is Action.UPDATE:
        return Effect(Impact.NONE, "what is older than it says from now on goes within two days")
    if is_stateful(step):
        return Effect(Impact.NONE, "grows in place, then its file system" if "size" in step.differing else "")
    if step.type == "aws:ec2/instance:Instance":
        return _instance(step, machine, gone)
    if gone and step.type.startswith(_API_FRONT):
        return Effect(Impact.API, "the API is unreachable until it is back")
    if gone and step.type.startswith(_ADDRESSES) and machine:
        goes = "is given up" if step.action is Action.DELETE else "is briefly detached"
        return _on_machine(machine, f"its address {goes}")
    if gone and step.type.startswith("aws:ec2/volumeAttachment"):
        return _on_machine(machine, "its disk is briefly detached")
    if "launchTemplate" in step.type or step.type.startswith("aws:autoscaling/group"):
        return _workers(step, gone)
    if step.type.startswith("kubernetes:") and gone:
        return Effect(Impact.PASSING, "the object is missing until it is created again")
    if step.type.startswith("command:"):
        return _command(step, change, machine)
    return Effect(Impact.NONE, "")


def _traffic(step: Step) -> str:
    """What a rule of a security group opens or closes."""
    rule = step.new or step.old
    low, high = rule.get("fromPort"), rule.get("toPort")
    if rule.get("ipProtocol") == "icmp":
        ports = f"type {low} code {high}"
    else:
        ports = f"{low}" if low == high else f"{low}-{high}"
    peer = rule.get("cidrIpv4") or "another group"
    direction = "from" if "Ingress" in step.type else "to"
    verb = {Action.CREATE: "opens", Action.DELETE: "closes"}.get(step.action, "now reads")
    return f"{verb} {rule.get('ipProtocol')} {ports} {direction} {peer}"


def _loss(step: Step) -> str:
    if step.type.startswith("tls:"):
        return "a new key: what was signed with the old one is no longer trusted"
    return (
        "the data on it would be lost, but it is protected: Pulumi refuses"
        if step.protected
        else "the data on it is lost"
    )


def _instance(step: Step, machine: str, gone: bool) -> Effect:
    if gone:
        words = "the machine is removed, and a new one boots with its disk and address"
        if step.action is Action.DELETE:
            words = "the machine is removed"
        return _on_machine(machine, words)
    stopping = [key for key in _STOPPING_KEYS if key in step.differing]
    if stopping:
        return _on_machine(machine, f"stops and starts ({', '.join(stopping)})")
    return Effect(Impact.NONE, "")


def _workers(step: Step, gone: bool) -> Effect:
    if step.type.startswith("aws:autoscaling/group"):
        if gone:
            return Effect(Impact.WORKERS, "its workers are removed, with their pods")
        sizes = {"minSize", "maxSize", "desiredCapacity"}
        only = set(step.differing) <= sizes
        return Effect(Impact.PASSING if only else Impact.WORKERS, "resized" if only else "workers are replaced in turn")
    return Effect(Impact.WORKERS, "its workers are replaced in turn by machines of the new version")


def _command(step: Step, change: MachineChange | None, machine: str) -> Effect:
    if step.action is Action.DELETE:
        return Effect(Impact.NONE, "")
    if step.action is Action.REPLACE and change is None:
        return Effect(Impact.NONE, "runs on the new machine")
    declared = step_of(step.new.get("update") or step.new.get("create"))
    if change is None:
        return Effect(Impact.NONE, declared.does if declared else "runs again")
    if declared is None and step.type != _REMOTE:
        return Effect(Impact.NONE, "runs again")
    if declared is None:
        return _on_machine(machine, "runs a step that this version doesn't know")
    if change.unknown:
        unknown = _on_machine(machine, "files change; the lines are known only when it is applied")
        return replace(unknown, lock=declared.lock)
    return _declared_effect(declared, change, machine)


def _declared_effect(declared: RemoteStep, change: MachineChange, machine: str) -> Effect:
    parts = [
        part
        for file in change.files
        for part in changed_parts(INPUT if file.whole_input else file.path, file.old, file.new)
    ]
    found = {consequence: None for part in parts if (consequence := declared.consequence(part))}
    restarts = dict.fromkeys(name for consequence in found for name in consequence.restarts)
    said = [(consequence.interrupts, consequence.words) for consequence in found if consequence.words]
    if restarts:
        worst = max(consequence.interrupts for consequence in found if consequence.restarts)
        said.insert(0, (worst, f"restarts {', '.join(restarts)}"))
    if not said:
        return Effect(Impact.NONE, declared.does)
    words = "; ".join(dict.fromkeys(text for _, text in sorted(said, key=lambda one: -one[0])))
    match max(interruption for interruption, _ in said):
        case Interruption.MACHINE:
            return replace(_on_machine(machine, words), lock=declared.lock)
        case Interruption.SERVICE:
            return Effect(Impact.PASSING, words, lock=declared.lock)
        case Interruption.NONE:
            return Effect(Impact.NONE, words, lock=declared.lock)


def _on_machine(machine: str, words: str) -> Effect:
    if not machine or machine == "bastion":
        return Effect(Impact.PASSING, words)
    return Effect(Impact.MACHINE, words, machine)
