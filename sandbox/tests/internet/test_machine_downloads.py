"""A machine installs packages and pulls images under their real names, as it would from the internet."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox import image, internet
from sandbox.internet.images import default_tags
from sandbox.toolchain.build import tool_named
from sandbox.trial import TrialMachine, booted

pytestmark = pytest.mark.cluster

REPOSITORIES = """
set -eu
mkdir -p /etc/apt/keyrings
curl --fail --silent --show-error -o /etc/apt/keyrings/kubernetes.asc https://pkgs.k8s.io/core:/stable:/v{minor}/deb/Release.key
curl --fail --silent --show-error -o /etc/apt/keyrings/docker.asc https://download.docker.com/linux/debian/gpg
cat >/etc/apt/sources.list.d/test.list <<LIST
deb [signed-by=/etc/apt/keyrings/kubernetes.asc] https://pkgs.k8s.io/core:/stable:/v{minor}/deb/ /
deb [arch=amd64 signed-by=/etc/apt/keyrings/docker.asc] https://download.docker.com/linux/debian bookworm stable
LIST
apt-get --quiet update
DEBIAN_FRONTEND=noninteractive apt-get --quiet --yes install kubelet={version}-* kubeadm={version}-* kubectl={version}-* containerd.io={containerd}-*
"""  # noqa: E501

CONTAINERD = """
cat >/etc/containerd/config.toml <<TOML
version = 3
imports = ["/etc/containerd/conf.d/*.toml"]
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
runtime_type = 'io.containerd.runc.v2'
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
SystemdCgroup = true
TOML
systemctl restart containerd
"""


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrialMachine]:
    version = tool_named("kubernetes").version
    script = REPOSITORIES.format(
        version=version, minor=version.rpartition(".")[0], containerd=tool_named("containerd").version
    )
    with booted(tmp_path_factory.mktemp("machine"), image.ensure(), internet.ensure()) as machine:
        machine.check("bash", "-c", script)
        machine.check("bash", "-c", CONTAINERD)
        yield machine


def test_kubernetes_is_installed_in_the_version_that_was_asked_for(machine: TrialMachine) -> None:
    version = tool_named("kubernetes").version
    assert machine.check("kubelet", "--version") == f"Kubernetes v{version}"
    assert machine.check("kubeadm", "version", "--output", "short") == f"v{version}"
    assert machine.check("dpkg", "--verify", "kubelet", "kubeadm", "kubectl", "cri-tools", "kubernetes-cni") == ""


def test_containerds_package_starts_it_and_the_kubelets_does_not(machine: TrialMachine) -> None:
    assert machine.check("systemctl", "is-active", "containerd") == "active"
    assert machine.run("systemctl", "is-enabled", "kubelet").stdout.strip() == "disabled"


def test_the_machines_own_settings_win_over_containerds_configuration(machine: TrialMachine) -> None:
    if machine.run("test", "-e", "/etc/containerd/conf.d/machine.toml").returncode:
        pytest.skip("this host needs no adaptation")
    machines_own = machine.check("cat", "/etc/containerd/conf.d/machine.toml")
    effective = machine.check("containerd", "config", "dump")
    for line in ("restrict_oom_score_adj = true", "SystemdCgroup = false"):
        assert (line in effective) == (line in machines_own)


def test_every_image_that_kubeadm_wants_is_pulled(machine: TrialMachine) -> None:
    pulled = machine.check(
        "kubeadm", "config", "images", "pull", "--kubernetes-version", tool_named("kubernetes").version
    )
    for name, tag in default_tags(tool_named("kubernetes").version).items():
        assert f"registry.k8s.io/{name}:{tag}" in pulled


@pytest.mark.parametrize(
    ("image", "command", "said"),
    [
        ("registry.k8s.io/etcd:3.6.14-0", "etcd --version", "etcd Version: 3.6.14"),
        ("registry.k8s.io/kube-proxy:v1.36.4", "iptables --version", "nf_tables"),
        ("registry.k8s.io/kube-proxy:v1.36.4", "nft --version", "nftables"),
        ("registry.k8s.io/coredns/coredns:v1.14.2", "/coredns -version", "CoreDNS-1.14.2"),
        ("registry.k8s.io/e2e-test-images/agnhost:2.63.0", "/agnhost --version", "app version"),
        ("ghcr.io/flannel-io/flannel:v0.28.4", "/opt/bin/flanneld --version", "v0.28.4"),
        ("ghcr.io/flannel-io/flannel:v0.28.4", "cp --version", "coreutils"),
        ("ghcr.io/flannel-io/flannel-cni-plugin:v1.9.1-flannel1", "cp --version", "coreutils"),
        ("registry.k8s.io/metrics-server/metrics-server:v0.9.0", "/metrics-server --version", "v0.9.0"),
        ("quay.io/calico/node:v3.31.0", "calico-node -v", "v3.31.0"),
        ("quay.io/calico/node:v3.31.0", "ipset --version", "ipset v7"),
        ("quay.io/calico/node:v3.31.0", "iptables-nft-save --version", "nf_tables"),
        ("quay.io/calico/node:v3.31.0", "iptables-legacy --version", "legacy"),
        ("quay.io/calico/node:v3.31.0", "nft --version", "nftables v1"),
        ("quay.io/calico/node:v3.31.0", "conntrack --version", "conntrack-tools"),
        ("quay.io/calico/node:v3.31.0", "which runsvdir runsv sv svlogd", "/usr/bin/svlogd"),
        ("quay.io/calico/cni:v3.31.0", "/opt/cni/bin/calico-ipam -v", "v3.31.0"),
        ("quay.io/calico/cni:v3.31.0", "/opt/cni/bin/install -v", "v3.31.0"),
        ("quay.io/calico/kube-controllers:v3.31.0", "/usr/bin/kube-controllers --version", "v3.31.0"),
    ],
)
def test_programs_of_an_image_run_in_a_container(machine: TrialMachine, image: str, command: str, said: str) -> None:
    machine.check("ctr", "--namespace", "test", "images", "pull", image)
    outcome = machine.run("ctr", "--namespace", "test", "run", "--rm", "--net-host", image, "trial", *command.split())
    assert said in outcome.stdout + outcome.stderr


def test_calicos_node_says_what_it_lacks_and_ends(machine: TrialMachine) -> None:
    image = "quay.io/calico/node:v3.31.0"
    machine.check("ctr", "--namespace", "test", "images", "pull", image)
    outcome = machine.run("ctr", "--namespace", "test", "run", "--rm", "--net-host", image, "trial")
    assert "Calico node failed to start" in outcome.stderr


def test_an_etcd_release_is_what_its_list_of_sums_says(machine: TrialMachine) -> None:
    version = tool_named("etcd").version
    url = f"https://github.com/etcd-io/etcd/releases/download/v{version}"
    archive = f"etcd-v{version}-linux-amd64"
    machine.check(
        "bash", "-euc", f"cd /tmp; curl -fsSLO {url}/{archive}.tar.gz; curl -fsSL {url}/SHA256SUMS | sha256sum -c"
    )
    machine.check("tar", "-xzf", f"/tmp/{archive}.tar.gz", "-C", "/tmp")
    for command in ("etcd --version", "etcdctl version", "etcdutl version"):
        assert version in machine.check("sh", "-c", f"/tmp/{archive}/{command}")


def test_what_is_not_served_is_not_found(machine: TrialMachine) -> None:
    outcome = machine.run("ctr", "images", "pull", "registry.k8s.io/no-such-image:1")
    assert "not found" in outcome.stderr
