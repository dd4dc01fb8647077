"""The education stack on a real machine, from nothing to a working cluster. The tests build on each other."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest
import yaml

from tests import sandbox_cli
from tests.cluster.conftest import STACK, UP, Workspace
from tests.cluster.on_machines import machine_ids, on_machine, processes

pytestmark = pytest.mark.cluster

_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")
_BOOTSTRAP_TOKEN = re.compile(r"\b(?!abcdef\.)[a-z0-9]{6}\.[a-z0-9]{16}\b")


def test_up_ends_with_a_ready_node_and_a_page_served_by_a_pod(workspace: Workspace) -> None:
    started = time.monotonic()
    output = workspace.pulumi(*UP).stdout
    print(f"pulumi up took {time.monotonic() - started:.0f} s")
    assert not _PRIVATE_KEY.search(output)
    nodes = json.loads(workspace.kubectl("get", "nodes", "-o", "json"))["items"]
    ready = [c["status"] for node in nodes for c in node["status"]["conditions"] if c["type"] == "Ready"]
    assert ready == ["True"]
    coredns = json.loads(workspace.kubectl("-n", "kube-system", "get", "deployment", "coredns", "-o", "json"))
    assert coredns["status"]["availableReplicas"] == coredns["spec"]["replicas"]
    page = workspace.kubectl("get", "--raw", "/api/v1/namespaces/quorate-smoke/services/smoke:http/proxy/")
    assert page.strip()


def test_a_tool_that_drops_the_certificates_name_verifies_the_api_by_its_address(workspace: Workspace) -> None:
    """As kubectl does as soon as it is given another server."""
    address = workspace.pulumi("stack", "output", "apiAddress", "--stack", STACK).stdout.strip()
    assert workspace.kubectl("--server", f"https://{address}:6443", "get", "--raw", "/readyz") == "ok"


def test_a_second_up_changes_nothing(workspace: Workspace) -> None:
    started = time.monotonic()
    assert workspace.changes(*UP) == {}
    assert time.monotonic() - started < 60


def test_refresh_finds_no_drift(workspace: Workspace) -> None:
    assert workspace.changes("refresh", "--yes", "--skip-preview", "--stack", STACK) == {}


def test_status_finds_nothing_broken(workspace: Workspace) -> None:
    outcome = workspace.operation("status")
    print(outcome.stdout)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    # On a busy host etcd's disk is slow, and status says so.
    last = outcome.stdout.splitlines()[-1]
    assert last in (f"stack {STACK}: all is well", f"stack {STACK}: it works, with the warnings above")
    # kubeadm's, of which each ends within a year, and its authorities.
    ends = re.search(r"the first of (\d+) certificates expires \S+ \S+ UTC, in (\d+) d", outcome.stdout)
    assert ends
    assert int(ends[1]) >= 10
    assert 300 < int(ends[2]) <= 365


def test_status_names_what_is_not_well(workspace: Workspace) -> None:
    try:
        on_machine("sh", "-c", "! systemd-run --wait --quiet --unit broken false")
        workspace.kubectl("cordon", "control-plane-0")
        outcome = workspace.operation("status")
    finally:
        on_machine("systemctl", "reset-failed")
        workspace.kubectl("uncordon", "control-plane-0")
    assert outcome.returncode == 1
    assert "problem: control-plane-0: failed units: broken.service" in outcome.stdout
    assert "warning: node control-plane-0 is cordoned" in outcome.stdout
    assert workspace.operation("status").returncode == 0


def test_no_private_key_or_token_is_readable_anywhere(workspace: Workspace) -> None:
    places = {
        "exported state": json.dumps(workspace.state()),
        "user data": on_machine("sh", "-c", "zcat --force /var/lib/cloud/instance/user-data.txt"),
        "process list": on_machine("ps", "axww", "-o", "args"),
        "journal": on_machine("journalctl", "--no-pager"),
        "script logs": on_machine("sh", "-c", "cat /var/log/quorate/*.log /var/log/cloud-init*.log"),
        "supervisor's log": sandbox_cli.log(),
        "log of the API's requests": Path(sandbox_cli.status()["requests"]).read_text(),
    }
    found = [name for name, text in places.items() if _PRIVATE_KEY.search(text) or _BOOTSTRAP_TOKEN.search(text)]
    assert found == []
    assert all(places.values()), "a place that was searched is empty"


ASK_FOR_PARAMETER = """
import sys
sys.path.insert(0, "/opt/quorate/lib")
from components.node.common.aws import get_parameter
from components.node.common.failure import Failure
try:
    get_parameter(sys.argv[1])
    print("readable")
except Failure as refusal:
    print(refusal)
"""


def test_the_machine_may_read_its_own_parameters_and_no_others(workspace: Workspace) -> None:
    def fetch(parameter: str) -> str:
        return on_machine("python3", "-c", ASK_FOR_PARAMETER, parameter)

    assert fetch(f"/quorate/{STACK}/control-plane-0/ssh-host-key").strip() == "readable"
    refused = fetch(f"/quorate/{STACK}/another-machine/ssh-host-key")
    assert "AccessDeniedException" in refused
    assert "/quorate/education/another-machine/ssh-host-key" in refused


def test_machines_resolve_the_cluster_and_what_they_download_from(workspace: Workspace) -> None:
    assert on_machine("getent", "ahostsv4", "pkgs.k8s.io").startswith("192.0.2.1 ")
    answer = on_machine("host", "-t", "A", f"api.{STACK}.quorate.internal", "10.20.0.2")
    assert re.findall(r"has address (\S+)", answer) == ["10.20.0.16"]


def test_cluster_dns_asks_the_resolver_behind_systemd_resolved(workspace: Workspace) -> None:
    """Its own address, 127.0.0.53, would be cluster DNS itself in a pod."""
    assert on_machine("systemctl", "is-active", "systemd-resolved").strip() == "active"
    assert on_machine("readlink", "/etc/resolv.conf").strip() == "/run/systemd/resolve/resolv.conf"
    configuration = yaml.safe_load(on_machine("cat", "/var/lib/kubelet/config.yaml"))
    assert configuration["resolvConf"] == "/run/systemd/resolve/resolv.conf"
    servers = re.findall(r"^nameserver (\S+)$", on_machine("cat", configuration["resolvConf"]), re.MULTILINE)
    assert servers == ["169.254.169.253"]
    assert "Loop" not in workspace.kubectl("-n", "kube-system", "logs", "deployment/coredns")


def test_a_shutdown_waits_for_the_kubelet_beside_unattended_upgrades(workspace: Workspace) -> None:
    assert on_machine("systemctl", "is-active", "unattended-upgrades").strip() == "active"
    holders = [line.split()[0] for line in on_machine("systemd-inhibit", "--list", "--no-legend").splitlines()]
    assert "kubelet" in holders


def test_debians_own_updates_are_due(workspace: Workspace) -> None:
    due = on_machine("systemctl", "list-timers", "--no-legend", "apt-daily.timer", "apt-daily-upgrade.timer")
    assert len(due.splitlines()) == 2


def test_a_kubelet_setting_shows_in_the_preview_and_is_applied_in_place(workspace: Workspace) -> None:
    (before,) = machine_ids()
    workspace.set("kubelet", "maxPods", 77)
    preview = workspace.pulumi("preview", "--diff", "--stack", STACK).stdout
    assert re.search(r"\+ *maxPods: 77", preview), preview
    summary = workspace.changes(*UP)
    assert set(summary) == {"update"}
    assert machine_ids() == [before]
    node = json.loads(workspace.kubectl("get", "nodes", "-o", "json"))["items"][0]
    assert node["status"]["capacity"]["pods"] == "77"


def test_security_groups_are_enforced(workspace: Workspace) -> None:
    address = workspace.pulumi("stack", "output", "apiAddress", "--stack", STACK).stdout.strip()
    assert re.fullmatch(r"198\.51\.100\.\d+", address)

    def connects(port: int) -> bool:
        probe = ["timeout", "3", "bash", "-c", f"exec 3<>/dev/tcp/{address}/{port}"]
        return subprocess.run(probe, capture_output=True).returncode == 0

    assert connects(22)
    assert connects(6443)
    assert not connects(2379)
    assert not connects(10250)


def test_a_killed_supervisor_is_started_again_and_finds_its_machine(workspace: Workspace) -> None:
    supervisor = sandbox_cli.supervisor_process()
    assert supervisor is not None
    before = processes()
    os.kill(supervisor, signal.SIGKILL)
    while sandbox_cli.supervisor_process() is not None:
        time.sleep(0.05)
    sandbox_cli.up()
    workspace.environment.update(sandbox_cli.environment())
    assert processes() == before
    assert workspace.changes(*UP) == {}
