from __future__ import annotations

import tomllib
from dataclasses import replace

import pytest
import yaml

from sandbox.image.adaptations import CONTAINERD, KUBELET, KUBELET_ARGUMENTS, PREFLIGHT, adaptation_files
from sandbox.image.facts import Facts

PLAIN = Facts(unified_cgroups=True, raises_limits=True, kernel_config="/proc/config.gz", bridge_filter=True, swap=False)
OLD_CGROUPS = replace(PLAIN, unified_cgroups=False)
NO_LIMITS = replace(PLAIN, raises_limits=False)


def test_on_a_plain_host_the_kubelet_alone_is_told_that_the_disk_is_shared() -> None:
    assert PLAIN.plain
    files = adaptation_files(PLAIN)
    assert files.keys() == {KUBELET, KUBELET_ARGUMENTS}
    thresholds = yaml.safe_load(files[KUBELET])["evictionHard"]
    assert (thresholds["nodefs.available"], thresholds["imagefs.available"]) == ("1Gi", "1Gi")


@pytest.mark.parametrize(
    "facts",
    [
        OLD_CGROUPS,
        NO_LIMITS,
        replace(PLAIN, kernel_config=""),
        replace(PLAIN, bridge_filter=False),
        replace(PLAIN, swap=True),
    ],
)
def test_each_difference_from_a_plain_host_needs_a_file(facts: Facts) -> None:
    assert not facts.plain
    assert adaptation_files(facts) != adaptation_files(PLAIN)


def test_cgroups_of_version_1_take_systemd_out_of_their_management() -> None:
    files = adaptation_files(OLD_CGROUPS)
    runtime = tomllib.loads(files[CONTAINERD])["plugins"]["io.containerd.cri.v1.runtime"]
    assert runtime["containerd"]["runtimes"]["runc"]["options"] == {"SystemdCgroup": False}
    kubelet = yaml.safe_load(files[KUBELET])
    assert (kubelet["cgroupDriver"], kubelet["failCgroupV1"]) == ("cgroupfs", False)
    assert "SystemVerification" in files[PREFLIGHT]


def test_a_host_that_cannot_raise_limits_runs_the_kubelet_as_in_a_user_namespace() -> None:
    files = adaptation_files(NO_LIMITS)
    assert tomllib.loads(files[CONTAINERD])["plugins"]["io.containerd.cri.v1.runtime"] == {
        "restrict_oom_score_adj": True
    }
    assert yaml.safe_load(files[KUBELET])["featureGates"] == {"KubeletInUserNamespace": True}
    assert PREFLIGHT not in files


def test_the_kubelet_is_told_of_its_settings_folder() -> None:
    assert adaptation_files(PLAIN)[KUBELET_ARGUMENTS] == (
        "KUBELET_EXTRA_ARGS=--config-dir=/etc/kubernetes/kubelet.conf.d\n"
    )


def test_settings_in_the_folder_have_the_name_that_the_kubelet_reads() -> None:
    assert KUBELET.endswith(".conf")
    document = yaml.safe_load(adaptation_files(OLD_CGROUPS)[KUBELET])
    assert (document["apiVersion"], document["kind"]) == ("kubelet.config.k8s.io/v1beta1", "KubeletConfiguration")


def test_only_checks_that_fail_are_ignored_on_one_line() -> None:
    both = replace(PLAIN, swap=True, bridge_filter=False)
    assert adaptation_files(both)[PREFLIGHT] == "FileContent--proc-sys-net-bridge-bridge-nf-call-iptables,Swap\n"
