"""A throw-away etcd, restored from a snapshot: on loopback, alone, for nobody without a certificate of the cluster."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from components.node.common import log
from components.node.common.failure import Failure, Hopeless
from components.node.common.programs import run
from components.node.common.units import complaints
from components.node.common.waiting import NotYet, wait_until
from components.node.etcd.client import EtcdClient
from components.node.etcd.snapshot.programs import Programs

# Several GiB from a slow disk.
_READ_SECONDS = 1800
_START_SECONDS = 600
_STOP_SECONDS = 10
# The largest that etcd is made for: the trial takes what the members took.
_QUOTA_BYTES = 8 * 1024**3
_NAME = "trial"
# It never has a peer, so nobody ever asks for it there.
_PEER = "https://127.0.0.1:1"
# What is started dies with this program, even where that is killed.
_BOUND = ("setpriv", "--pdeathsig", "KILL")


@dataclass(frozen=True)
class ServerFiles:
    """What the member beside it shows to clients, and whom it lets in: paths of PEM files."""

    authority: Path
    certificate: Path
    key: Path


def revision_of(programs: Programs, file: Path) -> int:
    """The revision of a snapshot's file. Raises Failure for a damaged one."""
    try:
        return revision_in(programs, file)
    except Failure as failure:
        raise Failure(f"the snapshot can't be read, so it does not count: {failure}") from failure


def revision_in(programs: Programs, database: Path) -> int:
    """The revision of a snapshot's file, or of a database that no etcd uses; each page is checked. Raises Failure.

    Without a hash: `etcdutl hashkv` panics where a key has a lease, as events have ("no lessor to attach lease", etcd
    3.6.14).
    """
    command = [*_BOUND, programs.etcdutl, "snapshot", "status", str(database), "--write-out", "json"]
    try:
        return int(json.loads(run(command, seconds=_READ_SECONDS))["revision"])
    except (ValueError, KeyError, TypeError) as error:
        raise Failure(f"etcdutl snapshot status does not say which revision {database} has") from error


def restore(programs: Programs, file: Path, data: Path) -> None:
    """Makes `data` the data folder of a cluster of one, with what the snapshot has. Raises Failure."""
    begun = time.monotonic()
    alone = [f"--name={_NAME}", f"--initial-cluster={_NAME}={_PEER}", f"--initial-advertise-peer-urls={_PEER}"]
    command = [*_BOUND, programs.etcdutl, "snapshot", "restore", str(file), f"--data-dir={data}", *alone]
    try:
        run(command, seconds=_READ_SECONDS)
    except Failure as failure:
        raise Failure(f"the snapshot can't be restored, so it does not count: {failure}") from failure
    log.report(f"restored it on trial in {time.monotonic() - begun:.1f} s")


@contextmanager
def throw_away_etcd(programs: Programs, data: Path, server: ServerFiles, client: EtcdClient) -> Iterator[EtcdClient]:
    """Serves what `data` has while the block runs; gives a client of it that shows what `client` shows.

    Raises Failure where it does not start.
    """
    endpoint = f"https://127.0.0.1:{_free_port()}"
    messages = data.parent / "etcd.log"
    with messages.open("wb") as output:
        process = subprocess.Popen(
            [*_BOUND, programs.etcd, *_arguments(data, endpoint, server)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # No variable of this program's becomes an argument of etcd's.
            env={name: value for name, value in os.environ.items() if name == "PATH"},
        )
    try:
        trial = client.at(endpoint)

        def serves() -> None:
            if process.poll() is not None:
                said = complaints(messages.read_text(errors="replace").splitlines())
                raise Hopeless(f"it ended with {process.returncode}: {' / '.join(said) or 'it said nothing'}")
            if not trial.status(endpoint).leader:
                raise NotYet("it does not lead itself yet")

        begun = time.monotonic()
        wait_until(_START_SECONDS, "the throw-away etcd to serve", serves, every=0.2)
        log.report(f"a throw-away etcd serves it after {time.monotonic() - begun:.1f} s")
        yield trial
    finally:
        _end(process)


def _arguments(data: Path, endpoint: str, server: ServerFiles) -> Sequence[str]:
    files = [
        f"--{prefix}{option}={path}"
        for prefix in ("", "peer-")
        for option, path in (
            ("trusted-ca-file", server.authority),
            ("cert-file", server.certificate),
            ("key-file", server.key),
        )
    ]
    return [
        f"--name={_NAME}",
        f"--data-dir={data}",
        f"--listen-client-urls={endpoint}",
        f"--advertise-client-urls={endpoint}",
        "--listen-peer-urls=https://127.0.0.1:0",
        f"--initial-advertise-peer-urls={_PEER}",
        f"--initial-cluster={_NAME}={_PEER}",
        "--client-cert-auth",
        "--peer-client-cert-auth",
        *files,
        f"--quota-backend-bytes={_QUOTA_BYTES}",
        "--unsafe-no-fsync",
    ]


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
