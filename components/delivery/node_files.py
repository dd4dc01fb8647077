"""The files of a machine by its role. Pure: static scripts and units, and one environment file."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources

BIN = "/opt/quorate/bin"
SHARE = "/opt/quorate/share"
ETC = "/etc/quorate"
UNITS = "/etc/systemd/system"
PATCHES = f"{SHARE}/patches"


class Role(StrEnum):
    """What a machine is for; also the value of ROLE in its environment."""

    ETCD = "etcd"
    CONTROL_PLANE = "control-plane"
    WORKER = "worker"


@dataclass(frozen=True)
class NodeFile:
    """A text file on a machine; `mode` is octal, as chmod writes it.

    What is not `needed_at_boot` stays out of user data, which is small, and comes with the first remote command.
    """

    path: str
    content: str
    mode: str = "0644"
    needed_at_boot: bool = True


_COMMON = ("common.sh", "prepare-machine.sh")
_NODE = ("install-packages.sh", "configure-containerd.sh", "pull-images.sh")
_REMOTE = ("receive-files.sh", "install-certificates.sh")
_ETCD_VOLUME = ("mount-etcd-volume.sh",)
_AT_BOOT: Mapping[Role, tuple[str, ...]] = {
    Role.ETCD: (*_COMMON, *_REMOTE, *_ETCD_VOLUME, "install-etcd.sh"),
    Role.CONTROL_PLANE: (*_COMMON, *_NODE, *_REMOTE),
    Role.WORKER: (*_COMMON, *_NODE, "kubeadm-common.sh", "parameter-store.sh", "join-worker.sh"),
}
_LATER: Mapping[Role, tuple[str, ...]] = {
    Role.ETCD: ("configure-etcd-member.sh", "etcd-membership.sh", "restart-etcd.sh"),
    Role.CONTROL_PLANE: (
        "apply-configuration.sh",
        "apply-network-plugin.sh",
        "check-service.sh",
        "configuration-turn.sh",
        "configure-control-plane.sh",
        "etcd-membership.sh",
        "give-kubectl.sh",
        "initialize-control-plane.sh",
        "join-control-plane.sh",
        "kubeadm-common.sh",
        "leave-etcd.sh",
        "name-api-endpoint.sh",
        "parameter-store.sh",
        "renew-join-credentials.sh",
        "static-pods.sh",
        "tend-workers.sh",
        "wait-ready.sh",
        "worker-groups.sh",
    ),
    Role.WORKER: (),
}


def node_script(name: str) -> str:
    """The text of a script of components/node/scripts."""
    return _resource("scripts", name)


def host_key_script() -> str:
    """The script that fetches the SSH host key, with what it sources: it runs before any file is on the machine."""
    return node_script("parameter-store.sh") + node_script("fetch-host-key.sh")


def role_files(role: Role, etcd_volume: bool = False) -> tuple[NodeFile, ...]:
    """Scripts, units and kernel parameters of a role: the same on each of its machines.

    `etcd_volume` says whether a control-plane machine keeps etcd's data on a disk of its own; etcd members always do.
    """
    at_boot, later = _AT_BOOT[role], _LATER[role]
    if etcd_volume and role is Role.CONTROL_PLANE:
        at_boot = (*at_boot, *_ETCD_VOLUME)
    return (
        *(NodeFile(f"{BIN}/{name}", node_script(name), "0755") for name in sorted(at_boot)),
        *(NodeFile(f"{BIN}/{name}", node_script(name), "0755", needed_at_boot=False) for name in sorted(later)),
        *_shared_files(role),
        *_units(role, etcd_volume),
    )


def boot_files(files: tuple[NodeFile, ...]) -> tuple[NodeFile, ...]:
    """Those of a machine's files that it needs before the first remote command: they go to user data."""
    return tuple(file for file in files if file.needed_at_boot)


def boot_units(files: tuple[NodeFile, ...]) -> tuple[str, ...]:
    """The services that a machine with these files starts at its first boot, in the background."""
    folder = f"{UNITS}/"
    names = (file.path.removeprefix(folder) for file in boot_files(files) if file.path.startswith(folder))
    return tuple(name for name in names if "/" not in name and name.endswith(".service"))


def environment_file(values: Mapping[str, str]) -> NodeFile:
    """node.env, which every script reads. Raises ValueError for a value that no line of it can hold."""
    for name, value in values.items():
        if "\n" in value or not name.isidentifier() or name != name.upper():
            raise ValueError(f"{name}={value!r} cannot be a line of {ETC}/node.env")
    lines = [f"{name}={shlex.quote(value)}\n" for name, value in sorted(values.items())]
    return NodeFile(f"{ETC}/node.env", "".join(lines))


def bundle(files: tuple[NodeFile, ...]) -> str:
    """The files as the plain text that receive-files.sh unpacks, so that a preview shows the lines that change."""
    parts = []
    for file in files:
        if file.content and not file.content.endswith("\n"):
            raise ValueError(f"{file.path} does not end with a newline")
        parts.append(f"%%% {file.mode} {file.content.count(chr(10))} {file.path}\n{file.content}")
    return "".join(parts) + f"%%% end {len(files)}\n"


def _shared_files(role: Role) -> tuple[NodeFile, ...]:
    parameters = ("99-connections.conf",) if role is Role.ETCD else ("99-connections.conf", "99-kubernetes.conf")
    files = tuple(NodeFile(f"{SHARE}/{name}", _resource("share", name)) for name in parameters)
    if role is not Role.CONTROL_PLANE:
        return files
    patch = "corednsdeployment.yaml"
    return (*files, NodeFile(f"{PATCHES}/{patch}", _resource("share", "patches", patch), needed_at_boot=False))


def _units(role: Role, etcd_volume: bool) -> tuple[NodeFile, ...]:
    volume = _unit("quorate-etcd-volume.service")
    match role:
        case Role.ETCD:
            return (_unit("quorate-prepare.service"), volume, _unit("etcd.service", needed_at_boot=False))
        case Role.WORKER:
            return (_unit("quorate-join.service"),)
        case Role.CONTROL_PLANE:
            drop_in = _unit("kubelet-needs-etcd-volume.conf", "kubelet.service.d/20-etcd-volume.conf")
            timed = ("quorate-join-credentials", "quorate-tend-workers")
            return (
                _unit("quorate-prepare.service"),
                *((volume, drop_in) if etcd_volume else ()),
                *(_unit(f"{name}.{kind}", needed_at_boot=False) for name in timed for kind in ("service", "timer")),
            )


def _unit(name: str, installed_as: str | None = None, needed_at_boot: bool = True) -> NodeFile:
    return NodeFile(f"{UNITS}/{installed_as or name}", _resource("units", name), needed_at_boot=needed_at_boot)


def _resource(*path: str) -> str:
    return resources.files("components.node").joinpath(*path).read_text()
