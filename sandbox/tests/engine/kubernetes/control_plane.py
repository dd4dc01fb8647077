"""A Kubernetes control plane without nodes, on loopback: etcd, API server and controller manager, for tests."""

from __future__ import annotations

import base64
import datetime
import ipaddress
import json
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sandbox.toolchain.build import binary

SERVER_NAME = "api.test.internal"
_START_SECONDS = 90.0


class Authority:
    """A certificate authority that lives as long as the tests."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
        self.certificate = self._sign(self._name, self._key.public_key(), authority=True)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def issue(self, name: str, organization: str = "", names: tuple[str, ...] = ()) -> tuple[bytes, bytes]:
        """Certificate and key as PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        attributes = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
        if organization:
            attributes.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
        certificate = self._sign(x509.Name(attributes), key.public_key(), names=names)
        return certificate.public_bytes(serialization.Encoding.PEM), private_pem(key)

    def _sign(
        self,
        subject: x509.Name,
        public: ec.EllipticCurvePublicKey,
        *,
        authority: bool = False,
        names: tuple[str, ...] = (),
    ) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        if not authority:
            usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
            builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        if names:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([_general(name) for name in names]), critical=False
            )
        return builder.sign(self._key, hashes.SHA256())


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class ControlPlane:
    """Processes of its own in `folder`. The API server's certificate is for SERVER_NAME, not for its address."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []
        self.authority = Authority()
        self.port = free_port()
        self.kubeconfig = self.kubeconfig_of("admin", "system:masters")

    def start(self) -> None:
        etcd, peer = f"http://127.0.0.1:{free_port()}", f"http://127.0.0.1:{free_port()}"
        self._run(
            "etcd", binary("etcd", "etcd"), f"--data-dir={self._folder / 'etcd'}", f"--listen-client-urls={etcd}",
            f"--advertise-client-urls={etcd}", f"--listen-peer-urls={peer}", "--unsafe-no-fsync",
        )  # fmt: skip
        serving, serving_key = self.authority.issue("kube-apiserver", names=(SERVER_NAME,))
        account_key = private_pem(ec.generate_private_key(ec.SECP256R1()))
        files = {
            name: self._write(name, data)
            for name, data in {
                "ca.crt": self.authority.pem, "server.crt": serving, "server.key": serving_key,
                "accounts.key": account_key,
                "controllers.conf": self.kubeconfig_of("system:kube-controller-manager", "system:masters").encode(),
            }.items()
        }  # fmt: skip
        self._run(
            "apiserver", binary("kubernetes", "kube-apiserver"), f"--etcd-servers={etcd}", "--bind-address=127.0.0.1",
            f"--secure-port={self.port}", f"--tls-cert-file={files['server.crt']}",
            f"--tls-private-key-file={files['server.key']}", f"--client-ca-file={files['ca.crt']}",
            "--service-account-issuer=https://accounts.test.internal",
            f"--service-account-key-file={files['accounts.key']}",
            f"--service-account-signing-key-file={files['accounts.key']}", "--authorization-mode=RBAC",
            "--service-cluster-ip-range=10.96.0.0/16", "--endpoint-reconciler-type=none",
            "--disable-admission-plugins=ServiceAccount",
        )  # fmt: skip
        self._until_ready()
        self._run(
            "controllers", binary("kubernetes", "kube-controller-manager"), f"--kubeconfig={files['controllers.conf']}",
            f"--service-account-private-key-file={files['accounts.key']}", f"--root-ca-file={files['ca.crt']}",
            "--leader-elect=false", "--secure-port=0",
        )  # fmt: skip

    def stop(self) -> None:
        for process in reversed(self._processes):
            process.kill()
            process.wait()

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """What kubectl prints, as the administrator. It must succeed."""
        outcome = self._kubectl(*arguments, stdin=stdin)
        assert outcome.returncode == 0, f"kubectl {' '.join(arguments)}: {outcome.stderr}"
        return outcome.stdout

    def get(self, kind: str, name: str, namespace: str = "default") -> dict[str, Any]:
        """The object with its managed fields, or nothing where there is none."""
        words = ("get", kind, name, "--namespace", namespace, "--ignore-not-found", "--output=json")
        read: dict[str, Any] = json.loads(self.kubectl(*words, "--show-managed-fields") or "{}")
        return read

    def kubeconfig_at(self, address: str) -> str:
        """The administrator's kubeconfig for the API server at `HOST:PORT`."""
        document = json.loads(self.kubeconfig)
        document["clusters"][0]["cluster"]["server"] = f"https://{address}"
        return json.dumps(document)

    def kubeconfig_of(self, user: str, organization: str = "") -> str:
        certificate, key = self.authority.issue(user, organization)
        cluster = {
            "server": f"https://127.0.0.1:{self.port}",
            "tls-server-name": SERVER_NAME,
            "certificate-authority-data": _encoded(self.authority.pem),
        }
        identity = {"client-certificate-data": _encoded(certificate), "client-key-data": _encoded(key)}
        document: dict[str, Any] = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": cluster}],
            "users": [{"name": user, "user": identity}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": user}}],
            "current-context": "test",
        }
        return json.dumps(document)

    def _write(self, name: str, data: bytes) -> Path:
        path = self._folder / name
        path.write_bytes(data)
        return path

    def _run(self, name: str, program: Path, *arguments: str) -> None:
        with (self._folder / f"{name}.log").open("wb") as log:
            self._processes.append(subprocess.Popen([program, *arguments], stdout=log, stderr=log))

    def _kubectl(self, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        kubeconfig = self._write("admin.conf", self.kubeconfig.encode())
        command = [str(binary("kubernetes", "kubectl")), "--kubeconfig", str(kubeconfig), *arguments]
        return subprocess.run(command, capture_output=True, text=True, input=stdin, timeout=120)

    def _until_ready(self) -> None:
        deadline, last = time.monotonic() + _START_SECONDS, "no answer"
        while time.monotonic() < deadline and self._processes[-1].poll() is None:
            ready = self._kubectl("get", "--raw", "/readyz")
            found = ready if ready.returncode else self._kubectl("get", "namespace", "default")
            if found.returncode == 0:
                return
            last = found.stderr.strip()
            time.sleep(0.1)
        log = (self._folder / "apiserver.log").read_text()[-2000:]
        raise TimeoutError(f"the API server is not ready: {last}\n{log}")


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()
