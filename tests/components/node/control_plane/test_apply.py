"""A running control plane takes on other documents: real certificates, stand-ins for kubeadm, kubectl and the kubelet.

`kubeadm init phase control-plane all` and `… certs apiserver` write what the test has put into `next/`. The hash of a
mirror pod is the text of its manifest.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from components.node.common.failure import Failure
from components.node.control_plane import apply as step
from components.node.control_plane.api_certificate import is_valid_for
from components.node.control_plane.apply import apply_configuration
from tests.components.node.control_plane.control_plane import (
    DOCUMENTS,
    HeldTurn,
    OtherMachines,
    Prepared,
    is_running,
    prepared,
)
from tests.components.node.tls import issue

STATIC = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
TAINT = "node-role.kubernetes.io/control-plane:NoSchedule"
# A kubelet takes a manifest at once, except one with the word "broken".
KUBECTL = """
if [[ "$call" =~ get\\ pod\\ ([a-z-]+)-control-plane-0 ]]; then
  text="$(cat "$MANIFESTS/${BASH_REMATCH[1]}.yaml")"
  ready=True
  [[ "$text" != *broken* ]] || ready=False
  printf '{"metadata": {"annotations": {"kubernetes.io/config.hash": "%s"}}, "status": {"conditions": [
    {"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": "%s"}]}}' "$text" "$ready"
  exit 0
fi
if [[ "$call" == *readyz* ]] && grep -q broken "$MANIFESTS/kube-apiserver.yaml"; then echo refused >&2; exit 1; fi
"""
KUBEADM = """
case "$call" in
  *"phase certs apiserver"*) cp "$NEXT"/apiserver.* "$(dirname "${call##* }")" ;;
  *"phase etcd local"*) [[ ! -e "$NEXT/etcd.yaml" ]] || cp "$NEXT/etcd.yaml" "$MANIFESTS" ;;
  *"phase control-plane all"*) for file in "$NEXT"/kube-*.yaml; do [[ ! -e $file ]] || cp "$file" "$MANIFESTS"; done ;;
esac
"""


@pytest.fixture(autouse=True)
def kubelet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One that is healthy."""

    class Health(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Health)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    monkeypatch.setattr(step, "_KUBELET_HEALTHZ", f"http://127.0.0.1:{server.server_port}/healthz")
    yield
    server.shutdown()
    server.server_close()


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Prepared:
    """A control plane that runs with the documents that are delivered."""
    node = prepared(tmp_path, monkeypatch)
    folders = node.machine.folders
    monkeypatch.setenv("MANIFESTS", str(folders.manifests))
    monkeypatch.setenv("NEXT", str(tmp_path / "next"))
    (tmp_path / "next").mkdir()
    node.programs.program("kubectl", before=KUBECTL)
    node.programs.program("kubeadm", before=KUBEADM)
    for component in STATIC:
        (folders.manifests / f"{component}.yaml").write_text("old")
        (folders.manifests / f"{component}.yaml").chmod(0o600)
    pki = folders.kubernetes / "pki"
    pki.mkdir()
    issue(folders.etc / "pki", pki / "apiserver.crt", "DNS:api.test, IP:127.0.0.1")
    issue(folders.etc / "pki", tmp_path / "next" / "apiserver.crt", "DNS:api.test, DNS:other.test, IP:127.0.0.1")
    is_running(node)
    return node


def deliver(node: Prepared, before: str, now: str) -> None:
    assert before in DOCUMENTS
    node.machine.folders.configuration.write_text(DOCUMENTS.replace(before, now))


def apply(node: Prepared, held: HeldTurn | None = None, seconds: float = 0) -> OtherMachines:
    others = OtherMachines(node.machine, held=held or HeldTurn())
    apply_configuration(node.machine, others.turn, seconds)
    return others


def phases(node: Prepared) -> list[str]:
    return [call.split("phase ")[1].split(" --config")[0] for call in node.programs.calls_with(" phase ")]


def manifest(node: Prepared, component: str) -> str:
    return (node.machine.folders.manifests / f"{component}.yaml").read_text()


def next_manifest(node: Prepared, component: str, text: str) -> None:
    (node.machine.folders.etc.parent / "next" / f"{component}.yaml").write_text(text)


def test_the_documents_that_run_cost_neither_turn_nor_phase(node: Prepared) -> None:
    assert apply(node).events == []
    assert phases(node) == []


def limits_shutdowns(node: Prepared, seconds: float) -> None:
    """Since so many seconds before the kubelet started, which was a minute ago."""
    limit = node.machine.folders.shutdown_limit
    limit.touch()
    written = time.time() - 60 - seconds
    os.utime(limit, (written, written))
    started = int((time.monotonic() - 60) * 1_000_000)
    node.programs.program("systemctl", ("ActiveEnterTimestampMonotonic", 0, f"{started}\n"))


def test_a_kubelet_that_has_no_lock_against_shutdowns_starts_again_in_its_turn(node: Prepared) -> None:
    limits_shutdowns(node, -10)
    assert apply(node).events == ["turn", "end of turn"]
    assert node.programs.calls_with("restart") == ["systemctl restart kubelet"]
    assert phases(node) == []


def test_beside_another_change_it_starts_again_once(node: Prepared) -> None:
    limits_shutdowns(node, -10)
    deliver(node, "nftables", "iptables")
    assert apply(node).events == ["turn", "end of turn"]
    assert node.programs.calls_with("systemctl restart") == ["systemctl restart kubelet"]
    deliver(node, "maxPods: 110", "maxPods: 99")
    apply(node)
    assert len(node.programs.calls_with("systemctl restart")) == 1, "kubeadm's phase starts it"


def test_a_kubelet_that_started_since_then_is_left_alone(node: Prepared) -> None:
    limits_shutdowns(node, 10)
    assert apply(node).events == []


@pytest.mark.parametrize("said", ["", "0\n"])
def test_a_kubelet_that_never_started_is_left_alone(said: str, node: Prepared) -> None:
    node.machine.folders.shutdown_limit.touch()
    node.programs.program("systemctl", ("ActiveEnterTimestampMonotonic", 0, said))
    assert apply(node).events == []


def test_a_change_for_the_kubelet_touches_no_static_pod(node: Prepared, capfd: pytest.CaptureFixture[str]) -> None:
    deliver(node, "maxPods: 110", "maxPods: 99")
    assert apply(node).events == ["turn", "end of turn"]
    assert phases(node) == ["upload-config all", "kubelet-start"]
    assert "  -maxPods: 110\n  +maxPods: 99\n" in capfd.readouterr().out


def test_a_change_of_this_machines_registration_is_the_kubelets_too(node: Prepared) -> None:
    deliver(node, "name: control-plane-0", "name: control-plane-0\n  taints: []")
    apply(node)
    assert phases(node) == ["upload-config all", "kubelet-start"]
    assert node.programs.calls[-2].endswith(f"taint node control-plane-0 {TAINT}-")


def test_a_control_plane_is_tainted_unless_it_runs_ordinary_pods(node: Prepared) -> None:
    deliver(node, "maxPods: 110", "maxPods: 99")
    apply(node)
    assert node.programs.calls[-2].endswith(f"taint node control-plane-0 {TAINT} --overwrite")


@pytest.mark.parametrize(("answer", "reported"), [('taint "x" not found', False), ("connection refused", True)])
def test_a_taint_that_is_not_there_is_no_failure_and_another_one_is_reported(
    answer: str, reported: bool, node: Prepared, capfd: pytest.CaptureFixture[str]
) -> None:
    deliver(node, "name: control-plane-0", "name: control-plane-0\n  taints: []")
    node.programs.program("kubectl", (f"{TAINT}-", 1, answer), before=KUBECTL)
    apply(node)
    assert ("the taint may still be there" in capfd.readouterr().out) == reported


def test_a_change_for_kube_proxy_restarts_it(node: Prepared) -> None:
    deliver(node, "nftables", "iptables")
    apply(node)
    assert phases(node) == ["upload-config all", "addon kube-proxy"]
    assert node.programs.calls_with("rollout restart daemonset kube-proxy --namespace kube-system")


def test_static_pods_restart_before_the_kubelet_does(node: Prepared, capfd: pytest.CaptureFixture[str]) -> None:
    node.machine.folders.configuration.write_text(
        DOCUMENTS.replace("apiServer:", "clusterName: x\napiServer:").replace("maxPods: 110", "maxPods: 99")
    )
    next_manifest(node, "kube-apiserver", "new")
    held = HeldTurn()
    apply(node, held)
    assert phases(node) == ["upload-config all", "etcd local", "control-plane all", "kubelet-start"]
    assert [manifest(node, component) for component in STATIC] == ["old", "new", "old", "old"]
    printed = capfd.readouterr().out
    assert "kube-apiserver restarts with its new arguments" in printed
    assert "etcd restarts" not in printed
    assert held.checks == 1


def test_an_argument_of_the_controller_manager_restarts_nothing_else(
    node: Prepared, capfd: pytest.CaptureFixture[str]
) -> None:
    argument = "controllerManager:\n  extraArgs:\n  - {name: allocate-node-cidrs, value: 'false'}\napiServer:"
    deliver(node, "apiServer:", argument)
    next_manifest(node, "kube-controller-manager", "new")
    assert apply(node).events == ["turn", "end of turn"]
    assert [manifest(node, component) for component in STATIC] == ["old", "old", "new", "old"]
    assert capfd.readouterr().out.count(" restarts with its new arguments") == 1


def test_where_etcd_has_machines_of_its_own_no_etcd_is_written(node: Prepared) -> None:
    (node.machine.folders.manifests / "etcd.yaml").unlink()
    deliver(node, "apiServer:", "clusterName: x\napiServer:")
    apply(node)
    assert phases(node) == ["upload-config all", "control-plane all"]


@pytest.mark.parametrize("component", STATIC[:2])
def test_what_does_not_run_by_its_new_arguments_is_put_back_within_the_turn(
    component: str, node: Prepared, capfd: pytest.CaptureFixture[str]
) -> None:
    deliver(node, "apiServer:", "clusterName: x\napiServer:")
    next_manifest(node, component, "broken")
    next_manifest(node, "kube-scheduler", "new")
    node.programs.program("crictl", ("ps --all", 0, "c1\nc0\n"), ("logs --tail 5 c1", 0, "unknown flag\n"))
    others = OtherMachines(node.machine)
    with pytest.raises(Failure, match=f"{component} does not run with its new arguments; .* run pulumi up again"):
        apply_configuration(node.machine, others.turn, 0)
    assert others.events == ["turn", "end of turn"]
    for each in STATIC:
        path = node.machine.folders.manifests / f"{each}.yaml"
        assert path.read_text() == "old"
        assert path.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in node.machine.folders.manifests.iterdir()) == [f"{c}.yaml" for c in STATIC]
    printed = capfd.readouterr().out
    assert "the last lines of " + component in printed
    assert "  unknown flag\n" in printed
    assert "hash broken (before: old), ready: False" in printed


def test_where_nobody_knows_what_ran_before_a_ready_pod_is_enough(node: Prepared) -> None:
    deliver(node, "apiServer:", "clusterName: x\napiServer:")
    next_manifest(node, "kube-scheduler", "new")
    refusing = '[[ "$call" != *"get pod "* || "$(cat "$MANIFESTS/kube-scheduler.yaml")" != old ]] || exit 1\n'
    node.programs.program("kubectl", before=refusing + KUBECTL)
    assert apply(node).events == ["turn", "end of turn"]
    assert manifest(node, "kube-scheduler") == "new"


@pytest.mark.parametrize("answer", [("", 0, ""), ("", 1, "no runtime\n")])
def test_what_left_no_container_is_put_back_too(answer: tuple[str, int, str], node: Prepared) -> None:
    deliver(node, "apiServer:", "clusterName: x\napiServer:")
    next_manifest(node, "etcd", "broken")
    node.programs.program("crictl", answer)
    with pytest.raises(Failure, match="etcd does not run"):
        apply(node)
    assert manifest(node, "etcd") == "old"


def test_nothing_is_interrupted_once_the_turn_is_lost(node: Prepared) -> None:
    deliver(node, "apiServer:", "clusterName: x\napiServer:")
    with pytest.raises(Failure, match="lost"):
        apply(node, HeldTurn("lost"))
    assert phases(node) == ["upload-config all"]


def test_an_api_server_that_a_setting_keeps_from_starting_gets_the_manifest_of_the_next_setting(
    node: Prepared, capfd: pytest.CaptureFixture[str]
) -> None:
    (node.machine.folders.manifests / "kube-apiserver.yaml").write_text("broken")
    next_manifest(node, "kube-apiserver", "repaired")
    apply(node)
    assert phases(node) == ["etcd local", "control-plane all"]
    assert "rewriting the manifests of the static pods for the current settings" in capfd.readouterr().out


def test_an_api_server_that_stays_down_ends_the_step_before_any_turn(node: Prepared) -> None:
    (node.machine.folders.manifests / "kube-apiserver.yaml").write_text("broken")
    others = OtherMachines(node.machine)
    with pytest.raises(Failure, match=r"waited 0s for the API server of this machine to be ready; .*refused"):
        apply_configuration(node.machine, others.turn, 0)
    assert others.events == []


def test_an_api_server_without_etcd_ends_the_step_with_etcds_own_words_and_the_remedy(node: Prepared) -> None:
    (node.machine.folders.manifests / "kube-apiserver.yaml").write_text("broken")
    words = (
        '{"level":"info","msg":"starting"}\n{"level":"panic","msg":"tocommit(15) is out of range"}\ngoroutine 1 [x]:\n'
    )
    node.programs.program("crictl", ("--state Exited", 0, "c2\nc1\n"), ("logs --tail 300 c2", 0, words))
    with pytest.raises(Failure) as caught:
        apply(node)
    for part in (
        "etcd does not run on this machine",
        "errors: panic: tocommit(15) is out of range. ",
        "damaged",
        "operate.md",
    ):
        assert part in str(caught.value)


def test_a_certificate_that_lacks_a_name_is_made_again(node: Prepared, capfd: pytest.CaptureFixture[str]) -> None:
    deliver(node, "  - 127.0.0.1", "  - 127.0.0.1\n  - other.test")
    apply(node)
    certificate = node.machine.folders.kubernetes / "pki" / "apiserver.crt"
    assert phases(node) == ["upload-config all", "certs apiserver", "etcd local", "control-plane all"]
    assert is_valid_for(certificate, "other.test")
    assert "the certificate of the API server lacks other.test" in capfd.readouterr().out


@pytest.mark.parametrize(("name", "valid"), [("api.test", True), ("other.test", False), ("127.0.0.1", True)])
def test_a_certificate_is_made_again_only_for_a_name_that_it_lacks(name: str, valid: bool, node: Prepared) -> None:
    deliver(node, "  - api.test\n  - 127.0.0.1", f"  - {name}")
    apply(node)
    assert ("certs apiserver" in phases(node)) != valid


def test_a_certificate_that_is_gone_is_made_again(node: Prepared) -> None:
    (node.machine.folders.kubernetes / "pki" / "apiserver.crt").unlink()
    deliver(node, "apiServer:", "clusterName: x\napiServer:")
    apply(node)
    assert "certs apiserver" in phases(node)


def test_a_certificate_that_cannot_be_read_is_named(node: Prepared) -> None:
    (node.machine.folders.kubernetes / "pki" / "apiserver.crt").write_text("nothing")
    deliver(node, "apiServer:", "clusterName: x\napiServer:")
    with pytest.raises(Failure, match=r"openssl can't read .*apiserver\.crt; remove the file"):
        apply(node)


def test_a_phase_that_fails_is_named(node: Prepared) -> None:
    deliver(node, "nftables", "iptables")
    node.programs.program("kubeadm", ("addon kube-proxy", 1, "no\n"))
    with pytest.raises(Failure, match="kubeadm init phase addon kube-proxy failed; its messages are above"):
        apply(node)


def test_the_stand_in_for_mirror_pods_is_json(node: Prepared) -> None:
    pod = node.machine.kubectl.run("get", "pod", "etcd-control-plane-0")
    assert json.loads(pod)["metadata"]["annotations"] == {"kubernetes.io/config.hash": "old"}
