"""What the API server of a machine reads, and what the network plugin brings, shown to a real API server."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from components.kubeadm.api_server_files import audit_policy, encryption_configuration
from components.network_plugins.calico.manifest import calico_manifest
from sandbox.tests.engine.kubernetes.control_plane import ControlPlane
from sandbox.toolchain.build import binary

pytestmark = pytest.mark.engine

KEY = base64.b64encode(bytes(range(32))).decode()


class Configured(ControlPlane):
    """With the audit policy and the encryption of a control-plane machine."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.folder = folder

    def _run(self, name: str, program: Path, *arguments: str) -> None:
        if name == "apiserver":
            self.etcd = next(a for a in arguments if a.startswith("--etcd-servers=")).partition("=")[2]
            policy = self._write("audit-policy.yaml", audit_policy().encode())
            encryption = self._write("encryption.yaml", encryption_configuration(KEY).encode())
            arguments = (
                *arguments,
                "--allow-privileged=true",
                f"--audit-policy-file={policy}",
                f"--audit-log-path={self.folder / 'audit.log'}",
                f"--encryption-provider-config={encryption}",
            )
        super()._run(name, program, *arguments)

    def audited(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / "audit.log").read_text().splitlines()]


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Configured]:
    plane = Configured(tmp_path_factory.mktemp("plane"))
    plane.start()
    yield plane
    plane.stop()


def test_a_secret_is_unreadable_in_etcd_and_readable_through_the_api(plane: Configured) -> None:
    plane.kubectl("create", "secret", "generic", "precious", "--from-literal=word=swordfish")
    stored = subprocess.run(
        [str(binary("etcd", "etcdctl")), "--endpoints", plane.etcd, "get", "/registry/secrets/default/precious"],
        capture_output=True, check=True,
    ).stdout  # fmt: skip
    assert b"k8s:enc:secretbox:v1:key1:" in stored
    assert b"swordfish" not in stored
    read = plane.kubectl("get", "secret", "precious", "--output", "jsonpath={.data.word}")
    assert base64.b64decode(read) == b"swordfish"


def test_the_audit_log_says_who_wrote_a_secret_and_never_what(plane: Configured) -> None:
    plane.kubectl("create", "secret", "generic", "audited", "--from-literal=word=swordfish")
    events = [event for event in plane.audited() if "/secrets" in event["requestURI"] and event["verb"] == "create"]
    assert events
    assert {event["level"] for event in events} == {"Metadata"}
    assert "swordfish" not in (plane.folder / "audit.log").read_text()
    assert base64.b64encode(b"swordfish").decode() not in (plane.folder / "audit.log").read_text()


def test_the_audit_log_has_what_an_administrator_changed_and_no_health_checks(plane: Configured) -> None:
    plane.kubectl("create", "namespace", "audited")
    plane.kubectl("get", "--raw", "/readyz")
    events = plane.audited()
    (event,) = [e for e in events if e["verb"] == "create" and e["requestURI"].startswith("/api/v1/namespaces?")]
    assert event["level"] == "Request"
    assert event["requestObject"]["metadata"]["name"] == "audited"
    assert not [e for e in events if e["requestURI"].startswith(("/readyz", "/livez", "/healthz"))]


def test_what_calico_stores_is_taken_as_it_is(plane: Configured) -> None:
    manifest = calico_manifest("3.31.0", "10.244.0.0/16", "api.x", 6443)
    plane.kubectl(
        "apply", "--server-side", "--force-conflicts", "--field-manager", "quorate", "--filename", "-", stdin=manifest
    )
    plane.kubectl("wait", "--for=condition=Established", "--timeout=30s", "crd", "--all")
    pool = {
        "apiVersion": "crd.projectcalico.org/v1",
        "kind": "IPPool",
        "metadata": {"name": "default-ipv4-ippool"},
        "spec": {"cidr": "10.244.0.0/16", "vxlanMode": "Always", "allowedUses": ["Workload", "Tunnel"]},
    }
    plane.kubectl("apply", "--filename", "-", stdin=json.dumps(pool))
    assert json.loads(plane.kubectl("get", "ippool", "default-ipv4-ippool", "--output", "json"))["spec"] == pool["spec"]
