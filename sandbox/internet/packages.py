"""What the package repositories hold: upstream's packages, filled from the toolchain."""

from __future__ import annotations

import io
import subprocess
import tarfile
from collections.abc import Collection
from pathlib import Path

from sandbox.internet.archive import Entry, folder, program
from sandbox.internet.deb import Package
from sandbox.toolchain.build import bin_dir, binary, tool_named

_FILES = Path(__file__).parent / "files"
_UNITS = "usr/lib/systemd/system"
CONTAINERD_REVISION = "1~debian.12~bookworm"
KUBERNETES_REVISION = "1.1"


def kubernetes_packages() -> list[Package]:
    """Packages of one minor version's repository at pkgs.k8s.io."""
    version = f"{tool_named('kubernetes').version}-{KUBERNETES_REVISION}"
    crictl = tool_named("cri-tools").version
    plugins = tool_named("cni").version
    return [
        Package(
            "kubelet",
            version,
            "Node agent of Kubernetes",
            [
                program("usr/bin/kubelet", binary("kubernetes", "kubelet")),
                Entry(f"{_UNITS}/kubelet.service", _file("kubelet.service")),
                folder("etc/kubernetes/manifests"),
            ],
            depends=["iptables (>= 1.4.21)", "kubernetes-cni (>= 1.2.0)", "mount", "util-linux"],
        ),
        Package(
            "kubeadm",
            version,
            "Command that creates and joins Kubernetes clusters",
            [
                program("usr/bin/kubeadm", binary("kubernetes", "kubeadm")),
                Entry(f"{_UNITS}/kubelet.service.d/10-kubeadm.conf", _file("10-kubeadm.conf")),
            ],
            depends=["cri-tools (>= 1.30.0)"],
        ),
        Package(
            "kubectl",
            version,
            "Command line of Kubernetes",
            [program("usr/bin/kubectl", binary("kubernetes", "kubectl"))],
        ),
        Package(
            "cri-tools",
            f"{crictl}-{KUBERNETES_REVISION}",
            "Command line of container runtimes that speak CRI",
            [program("usr/bin/crictl", binary("cri-tools", "crictl"))],
        ),
        Package(
            "kubernetes-cni",
            f"{plugins}-{KUBERNETES_REVISION}",
            "Network plugins of the container network interface",
            [program(f"opt/cni/bin/{path.name}", path) for path in sorted(bin_dir("cni").iterdir())],
        ),
    ]


def docker_packages(runtime_package: Path, tools: Collection[str]) -> list[Package]:
    """Packages of the `stable` component at download.docker.com; `runtime_package` is Debian's package of runc."""
    releases = [tool for tool in ("containerd-previous", "containerd") if tool in tools]
    return [_containerd_package(tool, runtime_package) for tool in releases]


def _containerd_package(tool: str, runtime_package: Path) -> Package:
    commands = ("containerd", "containerd-shim-runc-v2", "ctr")
    return Package(
        "containerd.io",
        f"{tool_named(tool).version}-{CONTAINERD_REVISION}",
        "Container runtime",
        [
            *(program(f"usr/bin/{name}", binary(tool, name)) for name in commands),
            program("usr/bin/runc", _file_of_package(runtime_package, "usr/sbin/runc")),
            Entry(f"{_UNITS}/containerd.service", _file("containerd.service")),
            Entry("etc/containerd/config.toml", _file("containerd-config.toml")),
        ],
        depends=["libc6 (>= 2.34)", "libseccomp2 (>= 2.5.0)"],
        provides=["containerd", "runc"],
        conflicts=["containerd", "runc"],
        conffiles=["/etc/containerd/config.toml"],
        scripts={"postinst": _file("containerd-postinst").decode(), "prerm": _file("containerd-prerm").decode()},
    )


def _file(name: str) -> bytes:
    return (_FILES / name).read_bytes()


def _file_of_package(package: Path, path: str) -> bytes:
    outcome = subprocess.run(["dpkg-deb", "--fsys-tarfile", str(package)], capture_output=True, check=True)
    with tarfile.open(fileobj=io.BytesIO(outcome.stdout)) as archive:
        found = archive.extractfile(f"./{path}")
        if found is None:
            raise FileNotFoundError(f"{package} has no {path}")
        return found.read()
