"""Members of an etcd cluster, as far as the JSON gateway of their client ports shows them: real TLS, on loopback."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from components.node.common.https import Trust

Body = dict[str, Any]


@dataclass
class Lease:
    seconds: float
    renewed: float

    def is_over(self) -> bool:
        return time.monotonic() - self.renewed >= self.seconds


@dataclass
class Cluster:
    """What the members share. `refusals` are answered instead, once each; `calls` is who was asked what.

    `database` is what a snapshot has, in `pieces`; `torn` is how many of them come before the connection breaks, and
    `checksum` what is sent instead of its SHA-256. `held` is what a member says that it holds at any revision, by its
    address: hash, revision before which all is forgotten, number of keys; `rehashed` is what that revision changes the
    hash to. `alarms` are those of member 1. `sizes` are bytes by address: of the file, and of what of it is used.
    `leader` is an address.
    """

    members: list[Body] = field(default_factory=list)
    healthy: bool = True
    refusals: list[tuple[str, int, str]] = field(default_factory=list)
    lost_answers: list[str] = field(default_factory=list)
    calls: list[tuple[str, str]] = field(default_factory=list)
    leases: dict[int, Lease] = field(default_factory=dict)
    keys: dict[str, tuple[str, int]] = field(default_factory=dict)
    alarms: list[str] = field(default_factory=list)
    sizes: dict[str, tuple[int, int]] = field(default_factory=dict)
    leader: str = ""
    quota: int = 2 * 1024**3
    revision: int = 100
    compacted: int = 0
    database: bytes = b""
    pieces: int = 3
    torn: int | None = None
    checksum: bytes | None = None
    held: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    rehashed: dict[int, int] = field(default_factory=dict)
    metrics: str = ""
    mutex: threading.Lock = field(default_factory=threading.Lock)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(7_587_848_390_310_612_344))

    def asked(self, path: str) -> list[str]:
        return [address for address, called in self.calls if called == path]

    def answer(self, address: str, path: str, body: Body) -> tuple[int, Body | str]:
        for refusal in self.refusals:
            if refusal[0] == path:
                self.refusals.remove(refusal)
                return refusal[1], {"code": 0, "message": refusal[2]}
        for lease in [lease for lease, of in self.leases.items() if of.is_over()]:
            self._end(lease)
        if path.startswith("v3/maintenance/"):
            return self._maintenance(address, path.rpartition("/")[2], body)
        if path == "v3/kv/range" and body.get("count_only"):
            return 200, {"count": str(self.held[address][2])}
        if path == "metrics":
            return 200, self.metrics
        name, _, query = path.partition("?exclude=")
        method = getattr(self, "_" + name.replace("/", "_"))
        answer: tuple[int, Body] = method({"exclude": query} if name == "health" else body)
        return answer

    def _maintenance(self, address: str, method: str, body: Body) -> tuple[int, Body]:
        number = str(1 + sorted(self.sizes).index(address)) if address in self.sizes else "1"
        if method == "alarm":
            raised = [{"memberID": "1", "alarm": alarm} for alarm in self.alarms if alarm == body["alarm"]]
            if body["action"] == "DEACTIVATE":
                assert body["memberID"] == "1", "etcd ends the alarm of one member at a time"
                self.alarms.remove(body["alarm"])
            return 200, {"alarms": raised}
        if method == "hashkv":
            return self._hash(address, int(body["revision"]))
        size, used = self.sizes[address]
        if method == "defragment":
            self.sizes[address] = (used, used)
            return 200, {}
        leader = str(1 + sorted(self.sizes).index(self.leader))
        header = {"member_id": number, "revision": str(self.revision)}
        sizes = {"dbSize": str(size), "dbSizeInUse": str(used), "dbSizeQuota": str(self.quota)}
        return 200, {"header": header, "leader": leader, "version": "3.6.14", **sizes}

    def snapshot(self) -> Iterator[bytes]:
        """What is streamed, message by message. Raises ConnectionError where it is torn."""
        size = -(-len(self.database) // self.pieces)
        parts = [self.database[at : at + size] for at in range(0, len(self.database), size)]
        left = len(self.database)
        checksum = self.checksum or hashlib.sha256(self.database).digest()
        for number, part in enumerate([*parts, checksum]):
            if number == self.torn:
                raise ConnectionError
            left -= len(part) if part is not checksum else 0
            message = {"remaining_bytes": str(left), "blob": base64.b64encode(part).decode()}
            yield json.dumps({"result": message}).encode() + b"\n"

    def _hash(self, address: str, revision: int) -> tuple[int, Body]:
        hashed, compacted, _ = self.held[address]
        if revision < compacted:
            return 400, {"message": "etcdserver: mvcc: required revision has been compacted"}
        if revision > self.revision:
            return 400, {"message": "etcdserver: mvcc: required revision is a future revision"}
        return 200, {"hash": hashed, "compact_revision": str(compacted), "hash_revision": str(revision)}

    def _v3_kv_range(self, body: Body) -> tuple[int, Body]:
        first, end = decoded(body["key"]), decoded(body["range_end"]) if "range_end" in body else ""
        found = sorted(key for key in self.keys if first <= decoded(key) and (decoded(key) < end or key == body["key"]))
        limit = int(body.get("limit", 1))
        pairs = [{"key": key, "value": self.keys[key][0]} for key in found[:limit]]
        return 200, {"kvs": pairs, "count": str(len(found)), "more": len(found) > limit}

    def _v3_kv_put(self, body: Body) -> tuple[int, Body]:
        self.keys[body["key"]] = (body["value"], 0)
        return 200, {}

    def _v3_kv_compaction(self, body: Body) -> tuple[int, Body]:
        if int(body["revision"]) <= self.compacted:
            return 400, {"message": "etcdserver: mvcc: required revision has been compacted"}
        self.compacted = int(body["revision"])
        for address, (hashed, _, keys) in self.held.items():
            self.held[address] = (self.rehashed.get(self.compacted, hashed), self.compacted, keys)
        return 200, {}

    def _health(self, body: Body) -> tuple[int, Body]:
        if alarms := [alarm for alarm in self.alarms if alarm != body["exclude"]]:
            return 503, {"health": "false", "reason": f"ALARM {alarms[0]}"}
        return (200, {"health": "true"}) if self.healthy else (503, {"health": "false", "reason": "RAFT NO LEADER"})

    def _v3_cluster_member_list(self, body: Body) -> tuple[int, Body]:
        if body["linearizable"] and not self.healthy:
            return 503, {"message": "etcdserver: request timed out"}
        return 200, {"members": self.members}

    def _v3_cluster_member_add(self, body: Body) -> tuple[int, Body]:
        if any(member["peerURLs"] == body["peerURLs"] for member in self.members):
            return 400, {"message": "etcdserver: Peer URLs already exists"}
        self.members.append({"ID": str(next(self._numbers)), "peerURLs": body["peerURLs"], "isLearner": True})
        return 200, {}

    def _v3_cluster_member_remove(self, body: Body) -> tuple[int, Body]:
        kept = [member for member in self.members if member["ID"] != body["ID"]]
        if len(kept) == len(self.members):
            return 404, {"message": "etcdserver: member not found"}
        self.members[:] = kept
        return 200, {}

    def _v3_cluster_member_promote(self, body: Body) -> tuple[int, Body]:
        (member,) = [member for member in self.members if member["ID"] == body["ID"]]
        del member["isLearner"]
        return 200, {}

    def _v3_lease_grant(self, body: Body) -> tuple[int, Body]:
        if self.alarms:
            return 429, {"message": "etcdserver: mvcc: database space exceeded"}
        lease = next(self._numbers)
        self.leases[lease] = Lease(float(body["TTL"]), time.monotonic())
        return 200, {"ID": str(lease), "TTL": body["TTL"]}

    def _v3_lease_keepalive(self, body: Body) -> tuple[int, Body]:
        lease = self.leases.get(int(body["ID"]))
        if lease is None:
            return 200, {"result": {"ID": body["ID"]}}
        lease.renewed = time.monotonic()
        return 200, {"result": {"ID": body["ID"], "TTL": str(int(lease.seconds))}}

    def _v3_lease_revoke(self, body: Body) -> tuple[int, Body]:
        if int(body["ID"]) not in self.leases:
            return 404, {"message": "etcdserver: requested lease not found"}
        self._end(int(body["ID"]))
        return 200, {}

    def _v3_kv_txn(self, body: Body) -> tuple[int, Body]:
        if self.alarms:
            return 429, {"message": "etcdserver: mvcc: database space exceeded"}
        put = body["success"][0]["request_put"]
        if int(put["lease"]) not in self.leases:
            return 404, {"message": "etcdserver: requested lease not found"}
        if (found := self.keys.get(put["key"])) is None:
            self.keys[put["key"]] = (put["value"], int(put["lease"]))
            return 200, {"succeeded": True, "responses": [{"response_put": {}}]}
        pair = {"key": put["key"], "value": found[0], "lease": str(found[1])}
        return 200, {"responses": [{"response_range": {"kvs": [pair], "count": "1"}}]}

    def _end(self, lease: int) -> None:
        del self.leases[lease]
        self.keys = {key: pair for key, pair in self.keys.items() if pair[1] != lease}


@dataclass
class Authority:
    """A certificate authority for tests, and a certificate that serves at loopback addresses and asks, too."""

    folder: Path

    def make(self, *addresses: str) -> Authority:
        self.folder.mkdir(parents=True)
        names = ",".join(f"IP:{address}" for address in addresses)
        (self.folder / "extensions").write_text(
            f"subjectAltName = {names}\nextendedKeyUsage = serverAuth, clientAuth\n"
        )
        curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
        self._openssl("req", "-x509", *curve, "-days", "2", "-subj", "/CN=etcd-ca", "-keyout", "ca.key",
                      "-out", "ca.crt")  # fmt: skip
        self._openssl("req", *curve, "-subj", "/CN=member", "-keyout", "member.key", "-out", "member.csr")
        self._openssl("x509", "-req", "-in", "member.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-days", "2",
                      "-out", "member.crt", "-extfile", "extensions")  # fmt: skip
        return self

    @property
    def trust(self) -> Trust:
        return Trust(self.folder / "ca.crt", self.folder / "member.crt", self.folder / "member.key")

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of its certificate, in hexadecimal."""
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert((self.folder / "ca.crt").read_text())).hexdigest()

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)


@contextmanager
def serving(cluster: Cluster, authority: Authority, address: str, port: int = 2379) -> Iterator[str]:
    """A member at `address` while the block runs; the endpoint's URL. It demands a certificate of the authority's."""

    class Gateway(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer({})

        def do_POST(self) -> None:
            self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def _answer(self, body: Body) -> None:
            path = self.path.removeprefix("/")
            if path == "v3/maintenance/snapshot" and path not in {refusal[0] for refusal in cluster.refusals}:
                cluster.calls.append((address, path))
                self._stream()
                return
            with cluster.mutex:
                cluster.calls.append((address, path))
                status, answer = cluster.answer(address, path, body)
                if path in cluster.lost_answers:
                    cluster.lost_answers.remove(path)
                    self.close_connection = True
                    return
            text = (answer if isinstance(answer, str) else json.dumps(answer)).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def _stream(self) -> None:
            self.protocol_version = "HTTP/1.1"
            self.close_connection = True
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            try:
                for message in cluster.snapshot():
                    self.wfile.write(b"%x\r\n%b\r\n" % (len(message), message))
            except ConnectionError:
                return
            self.wfile.write(b"0\r\n\r\n")

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.folder / "member.crt", authority.folder / "member.key")
    context.load_verify_locations(authority.folder / "ca.crt")
    context.verify_mode = ssl.CERT_REQUIRED
    server = ThreadingHTTPServer((address, port), Gateway)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"https://{address}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def decoded(text: str) -> str:
    return base64.b64decode(text).decode()


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
