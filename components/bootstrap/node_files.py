"""The files that a machine needs before kubeadm can run on it. Pure: static scripts and one environment file."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources

BIN = "/opt/quorate/bin"
SHARE = "/opt/quorate/share"
ETC = "/etc/quorate"
UNITS = "/etc/systemd/system"
PATCHES = f"{SHARE}/patches"


@dataclass(frozen=True)
class NodeFile:
    """A text file on a machine; `mode` is octal, as chmod writes it."""

    path: str
    content: str
    mode: str = "0644"


def node_script(name: str) -> str:
    """The text of a script of components/bootstrap/scripts."""
    return (resources.files("components.bootstrap") / "scripts" / name).read_text()


def static_files() -> tuple[NodeFile, ...]:
    """Scripts, kernel parameters and units: the same on every machine."""
    bootstrap = resources.files("components.bootstrap")
    scripts = sorted(entry.name for entry in (bootstrap / "scripts").iterdir() if entry.name.endswith(".sh"))
    return (
        *(NodeFile(f"{BIN}/{name}", node_script(name), "0755") for name in scripts),
        _shared("99-kubernetes.conf"),
        _shared("patches/corednsdeployment.yaml"),
        _unit("quorate-prepare.service"),
        _unit("quorate-etcd-volume.service"),
        _unit("kubelet-needs-etcd-volume.conf", "kubelet.service.d/20-etcd-volume.conf"),
    )


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


def _shared(name: str) -> NodeFile:
    return NodeFile(f"{SHARE}/{name}", (resources.files("components.bootstrap") / "share" / name).read_text())


def _unit(name: str, installed_as: str | None = None) -> NodeFile:
    text = (resources.files("components.bootstrap") / "units" / name).read_text()
    return NodeFile(f"{UNITS}/{installed_as or name}", text)
