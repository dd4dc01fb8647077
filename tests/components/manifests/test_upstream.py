"""Each manifest that we write, beside what upstream's of the same version says its programs depend on.

Folder `upstream` holds facts (facts.py) of every version that a stack may name. Where ours differs, a line below says
why; a difference that nobody explained fails, and so does an explanation of what no longer differs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import pytest
import yaml

from components.addons.metrics_server.addon import IMAGE
from components.network_plugins.calico.manifest import calico_manifest
from components.network_plugins.flannel import flannel_manifest
from components.settings.plugin_versions import CALICO_VERSIONS, FLANNEL_CNI_PLUGINS
from tests.components.manifests.facts import facts_of
from tests.components.stacks import recorded

UPSTREAM = Path(__file__).parent / "upstream"
API = ("api.x.internal", 6443)
POD_CIDR = "10.244.0.0/16"


@dataclass(frozen=True)
class Accepted:
    """Why facts that match one of `patterns` (shell-style) are on one side alone."""

    reason: str
    patterns: tuple[str, ...]


_NOT_V3 = "the group of Calico's own API server or of its v3 definitions: neither is installed"
_NOT_MIGRATING = "for moving to another datastore, which begins with a definition that is not installed"
_NO_EBPF = "the eBPF data plane is off"
_ENDPOINT = "the API's name, because kube-proxy may start later"

# What upstream has and ours has not.
LACKING: Mapping[str, tuple[Accepted, ...]] = {
    "calico": (
        Accepted(
            _NOT_V3, ("role * may * projectcalico.org/*", "User system:kube-controller-manager has role calico-*")
        ),
        Accepted(
            "names of the v3 definitions; in this group the kind is called ipamconfigs",
            ("role * may * crd.projectcalico.org/ipamconfigurations",),
        ),
        Accepted(
            _NOT_MIGRATING,
            (
                "role calico-kube-controllers may * migration.projectcalico.org/*",
                "role calico-kube-controllers may * apiregistration.k8s.io/apiservices",
                "role calico-kube-controllers may delete apiextensions.k8s.io/customresourcedefinitions",
                "role calico-kube-controllers may * crd.projectcalico.org/[*]",
            ),
        ),
        Accepted(
            _NO_EBPF,
            ("calico-node/ebpf-bootstrap *", "calico-node/calico-node mounts host /sys/fs/bpf at /sys/fs/bpf"),
        ),
        Accepted(
            "Felix is asked itself: a program that is started for each question takes more than Felix at rest",
            (
                "calico-node/calico-node livenessProbe runs /bin/calico-node -felix-live",
                "calico-node/calico-node readinessProbe runs /bin/calico-node -felix-ready",
            ),
        ),
        Accepted(
            "from addresses by host-local to Calico's, which ours are from the first day",
            ("calico-node/upgrade-ipam *",),
        ),
        Accepted(
            "neither IPv6, IPIP, WireGuard nor BGP are used",
            (
                "calico-node/calico-node environment CALICO_IPV6POOL_VXLAN=*",
                "calico-node/calico-node environment FELIX_IPINIPMTU=*",
                "calico-node/calico-node environment FELIX_WIREGUARDMTU=*",
                "calico-node/calico-node environment CLUSTER_TYPE=k8s,bgp",
            ),
        ),
        Accepted(
            "packets are wrapped within a subnet, too: AWS drops those whose source is no address of the machine",
            ("calico-node/calico-node environment CALICO_IPV4POOL_VXLAN=CrossSubnet",),
        ),
        Accepted(
            "addresses of Services of type LoadBalancer are AWS's",
            ("calico-kube-controllers/calico-kube-controllers environment ENABLED_CONTROLLERS=node,loadbalancer",),
        ),
    ),
    "flannel": (
        Accepted(
            "the CNI configuration is installed when Flannel has a subnet, by a hook of its own container",
            ("kube-flannel-ds/install-cni *",),
        ),
    ),
    "metrics-server": (
        Accepted(
            "kubelets are reached inside the VPC alone",
            ("* argument --kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname",),
        ),
    ),
}

# What ours has and upstream has not.
BEYOND: Mapping[str, tuple[Accepted, ...]] = {
    "calico": (
        Accepted(
            "what another accepted version needs: while one rolls out, pods of both run with the same roles",
            (
                "role calico-node may * policy.networking.k8s.io/*",
                "role calico-node may * kubevirt.io/virtualmachineinstancemigrations",
                "role calico-cni-plugin may get kubevirt.io/*",
                "role calico-kube-controllers may * kubevirt.io/*",
                "role calico-kube-controllers may * apps/d*",
                "role calico-kube-controllers may * apiextensions.k8s.io/customresourcedefinitions",
                "role calico-kube-controllers may * crd.projectcalico.org/kubecontrollersconfigurations/status",
                "role calico-kube-controllers may * crd.projectcalico.org/*networkpolicies",
            ),
        ),
        Accepted(
            "see above: without BGP; wrapped within a subnet; no addresses for load balancers",
            (
                "calico-node/calico-node environment CLUSTER_TYPE=k8s",
                "calico-node/calico-node environment CALICO_IPV4POOL_VXLAN=Always",
                "calico-kube-controllers/calico-kube-controllers environment ENABLED_CONTROLLERS=node",
            ),
        ),
        Accepted("the range is the stack's", ("calico-node/calico-node environment CALICO_IPV4POOL_CIDR=*",)),
        Accepted(
            "where kube-proxy writes its rules, Felix writes its own",
            ("calico-node/calico-node environment FELIX_NFTABLESMODE=Enabled",),
        ),
        Accepted(
            "see above: Felix's own answers",
            (
                "calico-node/calico-node livenessProbe asks HTTP /liveness at 9099",
                "calico-node/calico-node readinessProbe asks HTTP /readiness at 9099",
            ),
        ),
        Accepted("XDP is eBPF, too", ("calico-node/calico-node environment FELIX_XDPENABLED=false",)),
    ),
    "flannel": (
        Accepted(_ENDPOINT, ("kube-flannel-ds/kube-flannel environment KUBERNETES_SERVICE_*",)),
        Accepted(
            "see above: the hook that installs the CNI configuration",
            (
                "kube-flannel-ds/kube-flannel postStart *",
                "kube-flannel-ds/kube-flannel mounts host /etc/cni/net.d at /etc/cni/net.d",
            ),
        ),
    ),
    "metrics-server": (
        Accepted(
            "see above, and resources.py on certificates of kubelets",
            ("* argument --kubelet-preferred-address-types=InternalIP", "* argument --kubelet-insecure-tls"),
        ),
    ),
}

NAMED = (
    *(("calico", version) for version in CALICO_VERSIONS),
    *(("flannel", version) for version in FLANNEL_CNI_PLUGINS),
    ("metrics-server", IMAGE.rpartition(":v")[2]),
)


@cache
def ours(product: str, version: str) -> frozenset[str]:
    if product == "metrics-server":
        inside = [
            r for r in recorded("prod").resources.values() if r.parent.startswith("quorate:addons:MetricsServer ")
        ]
        return facts_of({"kind": r.type.rpartition(":")[2], **r.inputs} for r in inside)
    manifest = {"calico": calico_manifest, "flannel": flannel_manifest}[product]
    return facts_of(yaml.safe_load_all(manifest(version, POD_CIDR, *API)))


@cache
def theirs(product: str, version: str) -> frozenset[str]:
    return frozenset((UPSTREAM / f"{product}-{version}.txt").read_text().splitlines())


def unexplained(facts: frozenset[str], accepted: tuple[Accepted, ...]) -> list[str]:
    patterns = [pattern for each in accepted for pattern in each.patterns]
    return sorted(fact for fact in facts if not any(fnmatchcase(fact, pattern) for pattern in patterns))


def test_every_version_that_a_stack_may_name_was_compared_and_no_other_is_kept() -> None:
    assert {path.stem for path in UPSTREAM.iterdir()} == {f"{product}-{version}" for product, version in NAMED}


@pytest.mark.parametrize(("product", "version"), NAMED)
def test_nothing_that_upstream_says_is_missing_without_a_reason(product: str, version: str) -> None:
    assert unexplained(theirs(product, version) - ours(product, version), LACKING[product]) == []


@pytest.mark.parametrize(("product", "version"), NAMED)
def test_nothing_is_beyond_what_upstream_says_without_a_reason(product: str, version: str) -> None:
    assert unexplained(ours(product, version) - theirs(product, version), BEYOND[product]) == []


@pytest.mark.parametrize("product", LACKING)
def test_every_explanation_is_of_a_difference_that_is_there(product: str) -> None:
    versions = [version for name, version in NAMED if name == product]
    lacking = frozenset().union(*(theirs(product, each) - ours(product, each) for each in versions))
    beyond = frozenset().union(*(ours(product, each) - theirs(product, each) for each in versions))
    for facts, accepted in ((lacking, LACKING[product]), (beyond, BEYOND[product])):
        patterns = [pattern for each in accepted for pattern in each.patterns]
        assert [pattern for pattern in patterns if not any(fnmatchcase(fact, pattern) for fact in facts)] == []


def test_whatever_a_version_needs_beside_the_others_all_roles_of_ours_have() -> None:
    """So that neither way between two accepted versions leads past pods that lack a permission."""
    for version in CALICO_VERSIONS:
        roles = {fact for fact in ours("calico", version) if fact.startswith("role ")}
        assert roles == {fact for fact in ours("calico", CALICO_VERSIONS[0]) if fact.startswith("role ")}
