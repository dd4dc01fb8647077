"""The tools that the sandbox builds from Go modules, as data.

Each tool has a folder beside this file with its go.mod and go.sum. Versions live in go.mod alone; what is
stamped into the binaries is read from there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class ModuleCopy:
    """A module that is copied out of the module cache and changed before it is built against.

    `sum` is the module's checksum as Go prints it ("h1:..."): the public checksum database does not know
    every fork, so it is compared here.
    """

    module: str
    version: str
    sum: str
    folder: str


@dataclass(frozen=True)
class Tool:
    """One go.mod and the commands that come out of it.

    `commands` maps the file name of the binary to its package path; `version_module` names the module whose
    version the tool carries; `stamps` are linker variables, with {version} to fill in; `cgo` tools need a C compiler
    and are linked statically all the same; `bridged` ones are built together with the sources in bridge/. `release` is
    what upstream calls a version that go.mod can only name by a commit. `embedded` are files of the version module, by
    their paths in it, that are copied beside the sources, which embed them.
    """

    name: str
    commands: Mapping[str, str]
    version_module: str
    stamps: tuple[str, ...] = ()
    tags: str = ""
    copies: tuple[ModuleCopy, ...] = ()
    services: tuple[str, ...] = ()
    cgo: bool = False
    bridged: bool = False
    release: str = ""
    embedded: tuple[str, ...] = ()

    @property
    def source(self) -> Path:
        return HERE / self.name

    @property
    def source_folders(self) -> tuple[Path, ...]:
        """The folders whose files are built together."""
        return (self.source, HERE / "bridge") if self.bridged else (self.source,)

    @property
    def version(self) -> str:
        """Version of the tool without the leading v: its release, or what its go.mod pins."""
        return self.release or self.pinned

    @property
    def pinned(self) -> str:
        """Version of the tool's module in its go.mod, without the leading v."""
        text = (self.source / "go.mod").read_text()
        found = re.search(rf"^\s*(?:require )?{re.escape(self.version_module)} v(\S+)", text, re.MULTILINE)
        if not found:
            raise ValueError(f"{self.source / 'go.mod'}: does not require {self.version_module}")
        return found[1]

    @property
    def go_version(self) -> str:
        """The release of Go that its go.mod asks for, such as `1.26.2`."""
        found = re.search(r"^go (\S+)$", (self.source / "go.mod").read_text(), re.MULTILINE)
        if not found:
            raise ValueError(f"{self.source / 'go.mod'}: does not say which Go it needs")
        return found[1]


_KUBERNETES_STAMPS = tuple(
    f"{package}.{variable}"
    for package in ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    for variable in ("gitVersion=v{version}", "gitMajor={major}", "gitMinor={minor}", "gitTreeState=clean")
)


def _containerd(name: str) -> Tool:
    return Tool(
        name=name,
        commands={
            "containerd": "github.com/containerd/containerd/v2/cmd/containerd",
            "containerd-shim-runc-v2": "github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2",
            "ctr": "github.com/containerd/containerd/v2/cmd/ctr",
        },
        version_module="github.com/containerd/containerd/v2",
        stamps=("github.com/containerd/containerd/v2/version.Version=v{version}",),
        tags="no_btrfs no_aufs no_zfs no_devmapper",
    )


_KUBERNETES_PLUGIN = "github.com/pulumi/pulumi-kubernetes/provider/v4"
_CALICO = "github.com/projectcalico/calico"

TOOLS: tuple[Tool, ...] = (
    Tool(
        name="pulumi",
        commands={"pulumi": "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"},
        version_module="github.com/pulumi/pulumi/pkg/v3",
        stamps=("github.com/pulumi/pulumi/sdk/v3/go/common/version.Version={version}",),
    ),
    Tool(
        name="aws",
        commands={"pulumi-resource-aws": "."},
        bridged=True,
        version_module="github.com/pulumi/pulumi-terraform-bridge/v3",
        copies=(
            ModuleCopy(
                module="github.com/upbound/terraform-provider-aws",
                version="v0.0.0-20260305123303-f7691456b787",
                sum="h1:dJlp2eNgY/iVKTPINdguYlHbHc9CtXBZKmQmqYq0REs=",
                folder="terraform-provider-aws",
            ),
        ),
        services=(
            "ec2",
            "autoscaling",
            "elbv2",
            "iam",
            "s3",
            "ssm",
            "kms",
            "route53",
            "sts",
            "meta",
            "s3control",
            "elb",
        ),
    ),
    Tool(
        name="tls",
        commands={"pulumi-resource-tls": "."},
        bridged=True,
        version_module="github.com/pulumi/pulumi-terraform-bridge/v3",
        copies=(
            ModuleCopy(
                module="github.com/hashicorp/terraform-provider-tls",
                version="v1.2.1-0.20230117062332-afdd54107aba",
                sum="h1:xoUp/RqxaIf20SzMbRTbdM/ORPoJ6CBGuw9PoxyGWqk=",
                folder="terraform-provider-tls",
            ),
        ),
    ),
    Tool(
        name="kubernetes-plugin",
        commands={"pulumi-resource-kubernetes": "."},
        version_module=_KUBERNETES_PLUGIN,
        release="4.25.0",
        stamps=(f"{_KUBERNETES_PLUGIN}/pkg/version.Version={{version}}",),
        embedded=tuple(f"cmd/pulumi-resource-kubernetes/{file}" for file in ("schema.json", "terraform-mapping.json")),
    ),
    Tool(
        name="kubernetes",
        commands={
            name: f"k8s.io/kubernetes/cmd/{name}"
            for name in (
                "kubeadm",
                "kubectl",
                "kubelet",
                "kube-apiserver",
                "kube-controller-manager",
                "kube-proxy",
                "kube-scheduler",
            )
        },
        version_module="k8s.io/kubernetes",
        stamps=_KUBERNETES_STAMPS,
    ),
    Tool(
        name="etcd",
        commands={
            "etcd": "go.etcd.io/etcd/server/v3",
            "etcdctl": "go.etcd.io/etcd/etcdctl/v3",
            "etcdutl": "go.etcd.io/etcd/etcdutl/v3",
        },
        version_module="go.etcd.io/etcd/server/v3",
    ),
    _containerd("containerd"),
    # Something to update from.
    _containerd("containerd-previous"),
    Tool(
        name="coredns",
        commands={"coredns": "github.com/coredns/coredns"},
        version_module="github.com/coredns/coredns",
    ),
    Tool(
        name="flannel",
        commands={"flanneld": "github.com/flannel-io/flannel"},
        version_module="github.com/flannel-io/flannel",
        stamps=("github.com/flannel-io/flannel/pkg/version.Version=v{version}",),
        cgo=True,  # the udp backend is C; it cannot be left out
    ),
    Tool(
        name="cni",
        commands={
            name.rsplit("/", 1)[1]: f"github.com/containernetworking/plugins/plugins/{name}"
            for name in (
                "main/bridge",
                "main/loopback",
                "ipam/host-local",
                "meta/portmap",
                "meta/bandwidth",
                "meta/tuning",
            )
        },
        version_module="github.com/containernetworking/plugins",
        stamps=("github.com/containernetworking/plugins/pkg/utils/buildversion.BuildVersion=v{version}",),
    ),
    Tool(
        name="flannel-cni",
        commands={"flannel": "github.com/containernetworking/plugins/plugins/meta/flannel"},
        version_module="github.com/containernetworking/plugins",
    ),
    Tool(
        name="agnhost",
        commands={"agnhost": "k8s.io/kubernetes/test/images/agnhost"},
        version_module="k8s.io/kubernetes",
    ),
    Tool(
        name="cri-tools",
        commands={"crictl": "sigs.k8s.io/cri-tools/cmd/crictl"},
        version_module="sigs.k8s.io/cri-tools",
        stamps=("sigs.k8s.io/cri-tools/pkg/version.Version=v{version}",),
    ),
    Tool(
        name="actionlint",
        commands={"actionlint": "github.com/rhysd/actionlint/cmd/actionlint"},
        version_module="github.com/rhysd/actionlint",
    ),
    Tool(
        name="metrics-server",
        commands={"metrics-server": "sigs.k8s.io/metrics-server/cmd/metrics-server"},
        version_module="sigs.k8s.io/metrics-server",
        stamps=tuple(
            f"k8s.io/client-go/pkg/version.{variable}"
            for variable in ("gitVersion=v{version}", "gitMajor={major}", "gitMinor={minor}")
        ),
    ),
    Tool(
        name="calico",
        commands={
            "calico-node": f"{_CALICO}/node/cmd/calico-node",
            "calico": f"{_CALICO}/cni-plugin/cmd/calico",
            "install": "./install",
            "kube-controllers": f"{_CALICO}/kube-controllers/cmd/kube-controllers",
            "check-status": f"{_CALICO}/kube-controllers/cmd/check-status",
        },
        version_module=_CALICO,
        release="3.28.5",
        stamps=(
            f"{_CALICO}/node/buildinfo.GitVersion=v{{version}}",
            f"{_CALICO}/node/pkg/lifecycle/startup.VERSION=v{{version}}",
            "main.VERSION=v{version}",
        ),
    ),
)
