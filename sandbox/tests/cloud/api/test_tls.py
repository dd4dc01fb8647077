from __future__ import annotations

import http.client
import socket
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from sandbox.cloud.api.certificates import CertificateAuthority
from sandbox.cloud.api.proxy import EndpointProxy
from sandbox.cloud.api.tls_front import TlsFront

HOST = "ec2.eu-central-1.amazonaws.com"


class Echo(BaseHTTPRequestHandler):
    """Answers with host, path and the body that came in."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        answer = f"{self.headers['Host']} {self.path} ".encode() + body
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        pass


def listener() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    return CertificateAuthority(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def upstream() -> Iterator[tuple[str, int]]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield "127.0.0.1", server.server_port
    server.shutdown()
    server.server_close()


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def front(authority: CertificateAuthority, upstream: tuple[str, int], said: list[str]) -> Iterator[int]:
    opened = listener()
    front = TlsFront(opened, authority, lambda host: upstream if host == HOST else None, said.append)
    front.start()
    yield opened.getsockname()[1]
    front.stop()


@pytest.fixture
def proxy(authority: CertificateAuthority, upstream: tuple[str, int], said: list[str]) -> Iterator[int]:
    proxy = EndpointProxy(listener(), authority, upstream, said.append)
    proxy.start()
    yield proxy.port
    proxy.stop()


def trusting(authority: CertificateAuthority) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(authority.certificate_path))


def test_a_client_that_trusts_the_ca_reaches_the_host_it_names(authority: CertificateAuthority, front: int) -> None:
    with (
        socket.create_connection(("127.0.0.1", front)) as plain,
        trusting(authority).wrap_socket(plain, server_hostname=HOST) as client,
    ):
        client.sendall(f"POST /x HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi".encode())
        answer = b""
        # An end without TLS's goodbye raises here.
        while chunk := client.recv(65536):
            answer += chunk
    assert answer.endswith(f"{HOST} /x hi".encode())


def test_a_host_that_is_not_served_is_refused_by_name_once(
    authority: CertificateAuthority, front: int, said: list[str]
) -> None:
    for _ in range(2):
        with (
            socket.create_connection(("127.0.0.1", front)) as plain,
            pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME"),
        ):
            trusting(authority).wrap_socket(plain, server_hostname="example.org")
    assert said == ["127.0.0.1 asked for https://example.org, which the sandbox does not serve"]


def test_a_name_that_no_certificate_can_have_is_refused_like_one_that_is_not_served(
    authority: CertificateAuthority, upstream: tuple[str, int], said: list[str]
) -> None:
    front = TlsFront(listener(), authority, lambda host: upstream, said.append)
    front.start()
    with (
        socket.create_connection(("127.0.0.1", front.port)) as plain,
        pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME"),
    ):
        trusting(authority).wrap_socket(plain, server_hostname="a_bucket.s3.amazonaws.com")
    front.stop()
    assert said == ["127.0.0.1 asked for https://a_bucket.s3.amazonaws.com, which the sandbox does not serve"]


def test_a_client_that_does_not_trust_the_ca_is_not_fooled(front: int) -> None:
    with socket.create_connection(("127.0.0.1", front)) as plain, pytest.raises(ssl.SSLCertVerificationError):
        ssl.create_default_context().wrap_socket(plain, server_hostname=HOST)


class Silence:
    """Whether the host is silent, and whether that was asked."""

    def __init__(self) -> None:
        self.holds = True
        self.asked = threading.Event()

    def __call__(self, host: str) -> bool:
        assert host == HOST
        self.asked.set()
        return self.holds


def request(authority: CertificateAuthority, port: int, timeout: float) -> http.client.HTTPSConnection:
    connection = http.client.HTTPSConnection("127.0.0.1", port, context=trusting(authority), timeout=timeout)
    connection.set_tunnel(HOST, 443)
    return connection


def test_a_silent_host_keeps_clients_waiting_until_they_give_up_or_it_is_healed(
    authority: CertificateAuthority, upstream: tuple[str, int], said: list[str]
) -> None:
    silence = Silence()
    proxy = EndpointProxy(listener(), authority, upstream, said.append, silent=silence)
    proxy.start()
    hasty, patient = request(authority, proxy.port, 0.3), request(authority, proxy.port, 10)
    with pytest.raises(TimeoutError):
        hasty.request("POST", "/hasty", b"x")
    hasty.close()
    threading.Timer(0.2, setattr, (silence, "holds", False)).start()
    patient.request("POST", "/patient", b"x")
    assert patient.getresponse().read().endswith(b"/patient x")
    patient.close()
    proxy.stop()


def test_on_a_connection_that_is_open_no_request_arrives_from_a_client_that_gave_up(
    authority: CertificateAuthority, said: list[str]
) -> None:
    silence = Silence()
    silence.holds = False
    with listener() as upstream:
        proxy = EndpointProxy(listener(), authority, upstream.getsockname(), said.append, silent=silence)
        proxy.start()
        connection = request(authority, proxy.port, 10)
        connection.connect()
        reached, _ = upstream.accept()
        silence.holds = True
        silence.asked.clear()
        connection.request("POST", "/late", b"x")
        assert silence.asked.wait(10)
        connection.close()
        with reached:
            reached.settimeout(10)
            assert reached.recv(1000) == b""
        proxy.stop()


def test_the_proxy_carries_large_requests_both_ways(authority: CertificateAuthority, proxy: int) -> None:
    connection = http.client.HTTPSConnection("127.0.0.1", proxy, context=trusting(authority), timeout=20)
    connection.set_tunnel(HOST, 443)
    body = b"x" * 5_000_000
    for _ in range(2):
        connection.request("POST", "/y", body)
        assert connection.getresponse().read() == f"{HOST} /y ".encode() + body
    connection.close()


def test_the_proxy_leads_to_a_load_balancer_and_does_not_look_inside(
    authority: CertificateAuthority, upstream: tuple[str, int], said: list[str]
) -> None:
    name = "api-0011223344556677.elb.eu-central-1.amazonaws.com"
    balancers = {name: ["127.0.0.1"], f"internal-{name}": []}
    proxy = EndpointProxy(listener(), authority, ("127.0.0.1", 1), said.append, balancers.get)
    proxy.start()
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=10)
    connection.set_tunnel(name, upstream[1])
    connection.request("POST", "/readyz", b"plain")
    assert connection.getresponse().read().endswith(b"/readyz plain")
    connection.close()
    internal = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=10)
    internal.set_tunnel(f"internal-{name}", 6443)
    with pytest.raises(OSError, match="502"):
        internal.request("GET", "/")
    proxy.stop()


@pytest.mark.parametrize("target", ["example.org:443", f"{HOST}:22", "amazonaws.com.example.org:443"])
def test_the_proxy_refuses_other_hosts_and_ports_by_name(proxy: int, said: list[str], target: str) -> None:
    host, _, port = target.partition(":")
    connection = http.client.HTTPConnection("127.0.0.1", proxy, timeout=10)
    connection.set_tunnel(host, int(port))
    with pytest.raises(OSError, match="403"):
        connection.request("GET", "/")
    assert any(target in line for line in said)


def test_the_proxy_refuses_plain_requests(proxy: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", proxy, timeout=10)
    connection.request("GET", "http://169.254.169.254/latest/meta-data/")
    answer = connection.getresponse()
    assert (answer.status, b"169.254.169.254" in answer.read()) == (403, True)


def test_the_ca_is_made_once_and_its_key_is_its_owners_alone(tmp_path: Path) -> None:
    first = CertificateAuthority(tmp_path).certificate_pem
    assert CertificateAuthority(tmp_path).certificate_pem == first
    assert (tmp_path / "ca.key").stat().st_mode & 0o777 == 0o600


def test_no_key_of_a_leaf_stays_on_disk(tmp_path: Path) -> None:
    authority = CertificateAuthority(tmp_path)
    authority.server_context(HOST)
    assert {path.name for path in tmp_path.iterdir()} == {"ca.key", "ca.pem"}
