"""The files of a machine by its role: the node program, scripts, units, and one environment file. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from components.delivery.boot_sources import needed_modules
from components.kubeadm.documents import PATCHES
from components.node.__main__ import STEPS
from components.node.common.bundle import BundledFile
from components.plan import Role

ROOT = "/opt/quorate"
BIN = f"{ROOT}/bin"
LIB = f"{ROOT}/lib"
SHARE = f"{ROOT}/share"
ETC = "/etc/quorate"
NODE_ENV = f"{ETC}/node.env"
UNITS = "/etc/systemd/system"
PROGRAM = f"{BIN}/quorate-node"


@dataclass(frozen=True)
class NodeFile(BundledFile):
    """What is not `needed_at_boot` stays out of user data, which is small, and comes with the first remote command."""

    needed_at_boot: bool = True


@dataclass(frozen=True)
class _Contents:
    """What of components/node a machine gets: the steps that it can do, and lists of commands in bash."""

    steps_at_boot: Sequence[str]
    steps_later: Sequence[str]
    scripts: Sequence[str]


_ANY_MACHINE = ("common.sh", "prepare-machine.sh")
_NODE = ("configure-containerd.sh", "install-packages.sh", "pull-images.sh")
_INSTALL_KEYS = ("install-certificates.sh", "receive-files.sh")
CONTENTS: Mapping[Role, _Contents] = {
    Role.ETCD: _Contents(
        ("receive-files",),
        (
            "mount-etcd-volume",
            "configure-etcd-member",
            "defragment-etcd",
            "take-snapshot",
            "verify-snapshot",
            "restore",
            "observe",
        ),
        (*_ANY_MACHINE, "install-etcd.sh", *_INSTALL_KEYS),
    ),
    Role.CONTROL_PLANE: _Contents(
        ("receive-files",),
        (
            "mount-etcd-volume",
            "defragment-etcd",
            "take-snapshot",
            "verify-snapshot",
            "restore",
            "wait-restored",
            "observe",
            "observe-cluster",
            "configure-control-plane",
            "follow-load-balancer",
            "renew-api-certificate",
            "apply-network-plugin",
            "wait-ready",
            "check-service",
            "renew-join-credentials",
            "tend-workers",
        ),
        (*_ANY_MACHINE, *_NODE, *_INSTALL_KEYS),
    ),
    Role.WORKER: _Contents(("join-worker",), (), (*_ANY_MACHINE, *_NODE)),
}


@cache
def role_files(role: Role, etcd_volume: bool = False) -> tuple[NodeFile, ...]:
    """Program, scripts, units and kernel parameters of a role: the same on each of its machines.

    `etcd_volume` says whether a control-plane machine keeps etcd's data on a disk of its own; etcd members always do.
    """
    contents = CONTENTS[role]
    return (
        *(NodeFile(f"{BIN}/{name}", _resource("boot", name), "0755") for name in sorted(contents.scripts)),
        NodeFile(PROGRAM, _resource("quorate-node"), "0755"),
        *_program(contents),
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
    """node.env, which every step reads. Raises ValueError for a value that no line of it can hold."""
    for name, value in values.items():
        if "\n" in value or not name.isidentifier() or name != name.upper():
            raise ValueError(f"{name}={value!r} cannot be a line of {NODE_ENV}")
    lines = [f"{name}={shlex.quote(value)}\n" for name, value in sorted(values.items())]
    return NodeFile(NODE_ENV, "".join(lines))


def with_environment(files: tuple[NodeFile, ...], values: Mapping[str, str]) -> tuple[NodeFile, ...]:
    """The files of a machine, with more lines in its node.env."""
    return tuple(
        environment_file({**read_environment_file(file.content), **values}) if file.path == NODE_ENV else file
        for file in files
    )


def _program(contents: _Contents) -> Iterator[NodeFile]:
    """The modules of the node program, where they are imported by the names that they have here."""
    at_boot = _modules(contents.steps_at_boot)
    for module in sorted({*at_boot, *_modules(contents.steps_later)}):
        text = _source(module)
        # A package's own module says nothing, and Python does without it.
        if text:
            path = f"{LIB}/{module.replace('.', '/')}.py"
            yield NodeFile(path, text, needed_at_boot=module in at_boot)


def _modules(steps: Sequence[str]) -> Sequence[str]:
    entries = ["components.node.__main__", *(f"components.node.{STEPS[step]}" for step in steps)]
    return needed_modules(entries, _source)


@cache
def _source(module: str) -> str | None:
    """The text of a module of this project; None for a name that is none."""
    file = resources.files("components").joinpath(*module.split(".")[1:-1], f"{module.split('.')[-1]}.py")
    return file.read_text() if file.is_file() else None


def read_environment_file(text: str) -> Mapping[str, str]:
    """The values in a node.env that `environment_file` wrote; a line that isn't one of its own is left out."""
    values = {}
    for line in text.splitlines():
        name, found, value = line.partition("=")
        try:
            words = shlex.split(value)
        except ValueError:
            continue
        if found:
            values[name] = "".join(words)
    return values


def _shared_files(role: Role) -> tuple[NodeFile, ...]:
    parameters = ("99-connections.conf",) if role is Role.ETCD else ("99-connections.conf", "99-kubernetes.conf")
    files = tuple(NodeFile(f"{SHARE}/{name}", _resource("share", name)) for name in parameters)
    if role is not Role.CONTROL_PLANE:
        return files
    patch = "corednsdeployment.yaml"
    return (*files, NodeFile(f"{PATCHES}/{patch}", _resource("share", "patches", patch), needed_at_boot=False))


def ssh_order() -> NodeFile:
    """A drop-in of sshd's. It counts at a first boot only where it is there before systemd looks at sshd."""
    return _unit("ssh-after-sessions.conf", "ssh.service.d/20-quorate.conf", needed_at_boot=False)


def _units(role: Role, etcd_volume: bool) -> tuple[NodeFile, ...]:
    volume = _unit("quorate-etcd-volume.service", needed_at_boot=False)
    care = (*_timed("quorate-defragment-etcd"), *_timed("quorate-snapshot"))
    match role:
        case Role.ETCD:
            etcd = _unit("etcd.service", needed_at_boot=False)
            return (_unit("quorate-prepare.service"), volume, etcd, ssh_order(), *care)
        case Role.WORKER:
            return (_unit("quorate-join.service"),)
        case Role.CONTROL_PLANE:
            drop_in = _unit("kubelet-needs-etcd-volume.conf", "kubelet.service.d/20-etcd-volume.conf")
            return (
                _unit("quorate-prepare.service"),
                ssh_order(),
                *((volume, drop_in, *care) if etcd_volume else ()),
                *_timed("quorate-join-credentials"),
                *_timed("quorate-tend-workers"),
            )
        case Role.BASTION:
            return ()


def _timed(name: str) -> tuple[NodeFile, ...]:
    return tuple(_unit(f"{name}.{kind}", needed_at_boot=False) for kind in ("service", "timer"))


def _unit(name: str, installed_as: str | None = None, needed_at_boot: bool = True) -> NodeFile:
    return NodeFile(f"{UNITS}/{installed_as or name}", _resource("units", name), needed_at_boot=needed_at_boot)


def _resource(*path: str) -> str:
    return resources.files("components.node").joinpath(*path).read_text()
