"""What each step on a machine interrupts when its input changes, and which lock it takes. Pure.

A declaration per step: who changes what a step does (components/node) changes it here, too. A preview reads it.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from itertools import pairwise
from typing import Any, Final

import yaml

from components.delivery.node_files import BIN, ETC, LIB, NODE_ENV, PROGRAM, SHARE, UNITS, read_environment_file
from components.delivery.registry_mirrors import FOLDER as MIRRORS
from components.kubeadm.api_server_files import FOLDER

# A file, or a part of one: its path, then the kind and the key of a document, or a variable's name. A path that ends
# with a slash is all that is below it.
Part = tuple[str, ...]

KUBEADM: Final = f"{ETC}/kubeadm.yaml"
ETCD_ENV: Final = f"{ETC}/etcd.env"
# Of a step that is given one document in place of files.
INPUT: Final = "(standard input)"
_CLUSTER: Final = "ClusterConfiguration"


class Interruption(IntEnum):
    """What stands still meanwhile."""

    NONE = 0
    SERVICE = 1  # something restarts; neither the API server, nor etcd, nor pods stop
    MACHINE = 2  # the machine's API server or etcd member pauses


@dataclass(frozen=True)
class Consequence:
    """What follows when `part` changes on a machine that serves: it `restarts` these, or what `words` say."""

    part: Part
    interrupts: Interruption
    words: str = ""
    restarts: tuple[str, ...] = ()


@dataclass(frozen=True)
class RemoteStep:
    """A step that `pulumi up` runs on a machine.

    Machines that take the same `lock` are never interrupted at the same time: the step sees to that itself, in the
    cluster or in etcd. `does` is what it does when nothing in `consequences` changed.
    """

    verb: str
    consequences: tuple[Consequence, ...] = ()
    lock: str = ""
    does: str = "runs again"

    def consequence(self, part: Part) -> Consequence | None:
        """What follows when `part` changes: the closest declaration wins."""
        fitting = [found for found in self.consequences if _holds(found.part, part)]
        return max(fitting, key=lambda found: (len(found.part), len(found.part[0])), default=None)


_UPGRADE: Final = "Kubernetes is upgraded: static pods and kubelet restart"
_ON_ANY_MACHINE: Final = (
    Consequence((f"{BIN}/",), Interruption.NONE, "scripts change; they act when they run next"),
    Consequence((f"{LIB}/",), Interruption.NONE, "the node program changes; it acts when it runs next"),
    Consequence((f"{SHARE}/",), Interruption.NONE, "kernel parameters and patches change; connections and pods stay"),
    Consequence((f"{MIRRORS}/",), Interruption.NONE, "images come from other mirrors when they are pulled next"),
    Consequence((f"{UNITS}/",), Interruption.SERVICE, "units change; systemd reloads them"),
    Consequence((NODE_ENV, "ETCD_VOLUME_GIB"), Interruption.NONE, "the file system of etcd's disk grows"),
    *(
        Consequence((NODE_ENV, name), Interruption.NONE, "snapshots of etcd begin, end, or change when they run next")
        for name in ("SNAPSHOT_BUCKET", "SNAPSHOT_KEY", "SNAPSHOT_HOURS")
    ),
    # The rest is read when something else makes it count.
    Consequence((NODE_ENV,), Interruption.NONE),
)


def _static_pods(key: str, *pods: str) -> Consequence:
    return Consequence((KUBEADM, _CLUSTER, key), Interruption.MACHINE, restarts=pods)


_CONTROL_PLANE: Final = RemoteStep(
    "configure-control-plane",
    (
        *_ON_ANY_MACHINE,
        _static_pods("apiServer", "kube-apiserver"),
        _static_pods("controllerManager", "kube-controller-manager"),
        _static_pods("scheduler", "kube-scheduler"),
        _static_pods("etcd", "etcd", "kube-apiserver"),
        _static_pods("networking", "kube-apiserver", "kube-controller-manager"),
        _static_pods("controlPlaneEndpoint", "kube-apiserver"),
        Consequence((KUBEADM, _CLUSTER, "kubernetesVersion"), Interruption.MACHINE, _UPGRADE),
        Consequence((KUBEADM, _CLUSTER), Interruption.MACHINE, "restarts what its static pods name"),
        Consequence((KUBEADM, "KubeProxyConfiguration"), Interruption.SERVICE, "kube-proxy restarts node by node"),
        Consequence((KUBEADM,), Interruption.SERVICE, "kubelet restarts; its pods keep running"),
        # Read by a machine that is not in the cluster yet.
        Consequence((f"{ETC}/join.yaml",), Interruption.NONE),
        # Its name changes with its content, and stands in the ClusterConfiguration, which says what restarts.
        Consequence((f"{FOLDER}/",), Interruption.NONE),
        Consequence((NODE_ENV, "KUBERNETES_VERSION"), Interruption.MACHINE, _UPGRADE),
        Consequence(
            (NODE_ENV, "CONTAINERD_VERSION"), Interruption.SERVICE, "containerd restarts; containers keep running"
        ),
        Consequence((NODE_ENV, "PAUSE_IMAGE"), Interruption.SERVICE, "containerd restarts; containers keep running"),
    ),
    lock="control plane",
)
_ETCD_MEMBER: Final = RemoteStep(
    "configure-etcd-member",
    (
        *_ON_ANY_MACHINE,
        Consequence((ETCD_ENV,), Interruption.MACHINE, "etcd restarts"),
        Consequence((ETCD_ENV, "ETCD_INITIAL_CLUSTER"), Interruption.NONE, "other members are to come or go"),
        Consequence((NODE_ENV, "ETCD_VERSION"), Interruption.MACHINE, "etcd is upgraded and restarts"),
    ),
    lock="etcd",
)
_INSTALL_CERTIFICATES: Final = RemoteStep(
    "install-certificates",
    does="installs the certificates that changed; etcd and the API server read them by themselves",
)
_NETWORK_PLUGIN: Final = RemoteStep(
    "apply-network-plugin",
    (
        Consequence(
            (INPUT, "DaemonSet"),
            Interruption.SERVICE,
            "the network plugin restarts node by node; pods keep running, their connections and policies stay",
        ),
        Consequence((INPUT, "Deployment"), Interruption.SERVICE, "the network plugin's controllers restart"),
        Consequence((INPUT,), Interruption.NONE, "roles, definitions or settings change; nothing restarts by itself"),
    ),
)
STEPS: Final[Mapping[str, RemoteStep]] = {
    step.verb: step
    for step in (
        _CONTROL_PLANE,
        _ETCD_MEMBER,
        _INSTALL_CERTIFICATES,
        _NETWORK_PLUGIN,
        RemoteStep("follow-load-balancer"),
        RemoteStep(
            "renew-api-certificate",
            does="makes the API server's certificate again where it lacks a name; the API server reads it by itself",
        ),
        RemoteStep("wait-ready"),
        RemoteStep("check-service"),
    )
}

_SCRIPTS: Final[Mapping[str, str]] = {
    "install-certificates.sh": "install-certificates",
    # Commands of the release before the node program. They may go when no preview that is read has them any more:
    # with the next release, once docs/samples are recorded with `quorate-node`.
    "configure-control-plane.sh": "configure-control-plane",
    "configure-etcd-member.sh": "configure-etcd-member",
    "name-api-endpoint.sh": "follow-load-balancer",
    "apply-network-plugin.sh": "apply-network-plugin",
    "wait-ready.sh": "wait-ready",
    "check-service.sh": "check-service",
}


def step_of(command: object) -> RemoteStep | None:
    """The step that a remote command runs, None for a command that isn't one of this program's.

    `command` is a shell line such as `sudo …/receive-files && sudo …/quorate-node VERB ARGUMENT`: the last step counts.
    """
    try:
        words = shlex.split(command) if isinstance(command, str) else []
    except ValueError:
        return None
    verbs = [
        following if word == PROGRAM else _SCRIPTS.get(word.removeprefix(f"{BIN}/"), "")
        for word, following in pairwise([*words, ""])
        if word.startswith(f"{BIN}/")
    ]
    return next((STEPS[verb] for verb in reversed(verbs) if verb in STEPS), None)


def changed_parts(path: str, old: str | None, new: str | None) -> tuple[Part, ...]:
    """The parts of a file that differ; None where there is no such file."""
    if old == new:
        return ()
    if path == INPUT:
        return tuple(_changed_objects(old, new))
    if path == KUBEADM:
        return tuple(_changed_keys(path, _documents(old), _documents(new)))
    if path in (NODE_ENV, ETCD_ENV):
        before, after = read_environment_file(old or ""), read_environment_file(new or "")
        return tuple((path, name) for name in sorted({*before, *after}) if before.get(name) != after.get(name))
    return ((path,),)


def _changed_objects(old: str | None, new: str | None) -> Iterator[Part]:
    """The objects whose pods restart, each by kind and name; one part without a name for all others that change."""
    before, after = _objects(old), _objects(new)
    changed = {each for each in (*before, *after) if before.get(each) != after.get(each)}
    restarting = {each for each in changed if _pods_of(before.get(each, {})) != _pods_of(after.get(each, {}))}
    yield from ((INPUT, *each) for each in sorted(restarting))
    if changed - restarting or not changed:
        yield (INPUT,)


def _objects(text: str | None) -> Mapping[Part, Mapping[str, Any]]:
    """Objects of a manifest by kind and name."""
    try:
        found = [document for document in yaml.safe_load_all(text or "") if isinstance(document, dict)]
    except yaml.YAMLError:
        return {}
    return {(str(each.get("kind", "")), str(each.get("metadata", {}).get("name", ""))): each for each in found}


def _pods_of(document: Mapping[str, Any]) -> object:
    return document.get("spec", {}).get("template")


def _changed_keys(path: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Part]:
    for kind in sorted({*old, *new}):
        before, after = old.get(kind, {}), new.get(kind, {})
        yield from ((path, kind, key) for key in sorted({*before, *after}) if before.get(key) != after.get(key))


def _documents(text: str | None) -> Mapping[str, Mapping[str, Any]]:
    """kubeadm's documents by kind."""
    try:
        found = [document for document in yaml.safe_load_all(text or "") if isinstance(document, dict)]
    except yaml.YAMLError:
        return {}
    return {str(document.get("kind", "")): document for document in found}


def _holds(declared: Part, part: Part) -> bool:
    if declared[0].endswith("/"):
        return part[0].startswith(declared[0])
    return part[: len(declared)] == declared
