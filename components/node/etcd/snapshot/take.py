"""Takes a snapshot of etcd where one is due: copied from this machine's member, restored into a throw-away etcd,
compared with the living members, and only then added to the bucket.

Each machine that holds a member looks every ten minutes; whoever comes first does it, below a lock of etcd's. What a
run that was cut off has left is cleared by the next one: a snapshot without a manifest does not count.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from components.node.common import environment, log
from components.node.common.clock import check_clock
from components.node.common.environment import read_environment
from components.node.common.failure import Failure
from components.node.common.machine_lock import machine_lock
from components.node.common.s3 import LIMIT_BYTES, Bucket
from components.node.common.step import run_step, usage
from components.node.etcd.all_members import members
from components.node.etcd.client import EtcdClient
from components.node.etcd.cluster_lock import HeldLock, cluster_lock
from components.node.etcd.cluster_mark import DISK
from components.node.etcd.control_plane_access import KUBERNETES_PKI
from components.node.etcd.snapshot.comparison import Held, compare, held_by_members
from components.node.etcd.snapshot.contents import Contents, fingerprints, read_contents
from components.node.etcd.snapshot.download import SnapshotFile, download
from components.node.etcd.snapshot.due import LAST_KEY, Last, class_of, id_of, is_due, iso_time, read_last, rests
from components.node.etcd.snapshot.manifest import DATABASE, MANIFEST, Manifest
from components.node.etcd.snapshot.metrics import METRICS, write_metrics
from components.node.etcd.snapshot.outcome import (
    OUTCOME,
    failed_at,
    read_outcome,
    record_failure,
    record_last,
    record_success,
)
from components.node.etcd.snapshot.programs import MOUNT_POINT, Programs, programs_of_image, unmount
from components.node.etcd.snapshot.progress import ReportedFile, size_text
from components.node.etcd.snapshot.room import check_room
from components.node.etcd.snapshot.trial import ServerFiles, restore, revision_of, throw_away_etcd
from components.node.etcd.this_member import PKI
from components.node.restore.record import rests_while_restoring

STEP = "take-snapshot"
# Its own name: restarts don't wait for snapshots.
LOCK = "snapshot"
# Longer than a snapshot of several GiB takes.
TURN_SECONDS = 3600
_LOOK_SECONDS = 5
_CHECKSUM_BYTES = 32


@dataclass(frozen=True)
class _Proof:
    """`living` is what each member held at `revision`, this machine's first, and the restored snapshot, too."""

    revision: int
    living: Sequence[Held]
    contents: Contents


@dataclass(frozen=True)
class Source:
    """What is copied, by whom, and where to. `client` is of all members, this machine's own first."""

    client: EtcdClient
    machine: str
    cluster: str
    bucket: Bucket
    hours: float
    server: ServerFiles
    programs: Callable[[], AbstractContextManager[Programs]]
    disk: Path = DISK
    outcome: Path = OUTCOME
    metrics: Path = METRICS

    @property
    def work(self) -> Path:
        """On the disk that has room for the copy and its trial."""
        return self.disk / "snapshot-work"


def main(arguments: Sequence[str]) -> int:
    if list(arguments) not in ([], ["--now"]):
        return usage(f"usage: quorate-node {STEP} [--now]")

    def work() -> None:
        if not rests_while_restoring():
            take_snapshot(source(), now=bool(arguments))

    return run_step(STEP, work, within=machine_lock(STEP, TURN_SECONDS))


def source() -> Source:
    """From node.env. Raises Failure for what it lacks."""
    if not read_environment().get("SNAPSHOT_BUCKET"):
        raise Failure("this cluster has no bucket for snapshots: set backups.enabled, and run pulumi up")
    values = read_environment("ROLE", "CLUSTER_NAME", "SNAPSHOT_BUCKET", "SNAPSHOT_KEY", "SNAPSHOT_HOURS")
    found = members()
    external = values["ROLE"] == "etcd"
    folder, name = (PKI, "member") if external else (KUBERNETES_PKI / "etcd", "server")
    return Source(
        found.client,
        found.machine,
        values["CLUSTER_NAME"],
        Bucket(values["SNAPSHOT_BUCKET"], values["SNAPSHOT_KEY"]),
        _hours(values["SNAPSHOT_HOURS"]),
        ServerFiles(folder / "ca.crt", folder / f"{name}.crt", folder / f"{name}.key"),
        (lambda: nullcontext(Programs())) if external else programs_of_image,
    )


def _hours(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise Failure(
            f"{environment.ETC / 'node.env'} sets SNAPSHOT_HOURS to '{text}', which is not a number; "
            "run pulumi up, which delivers the file"
        ) from None


def take_snapshot(of: Source, *, now: bool = False) -> None:
    """Takes one if the last one is old enough, or `now`. Raises Failure, which is recorded, too."""
    taken: Last | None = None
    try:
        clear_leftovers(of.work)
        if not now and (rests(failed_at(of.outcome), time.time(), of.hours) or not _is_due(of, _known_last(of))):
            return
        check_clock()
        with cluster_lock(of.client, LOCK, of.machine, TURN_SECONDS, every=_LOOK_SECONDS) as lock:
            last = _known_last(of)
            # Another machine may have done it meanwhile.
            if now or _is_due(of, last):
                begun = time.time()
                taken = Last(id_of(of.machine, begun), int(begun), of.machine)
                record_success(_take(of, taken, class_of(last, begun), lock), of.outcome)
                record_last(taken, of.outcome)
    except Exception as error:
        record_failure(str(error) or type(error).__name__, time.time(), taken, of.outcome)
        raise
    finally:
        # A disk that is full must not hide what else was found.
        with contextlib.suppress(OSError):
            write_metrics(read_outcome(of.outcome), of.hours, of.metrics)


def _is_due(of: Source, last: Last | None) -> bool:
    return is_due(last, time.time(), of.hours)


def clear_leftovers(work: Path, mount_point: Path = MOUNT_POINT) -> None:
    """Removes what a run has left that was killed; its processes died with it. Raises Failure where that can't be."""
    unmount(mount_point)
    remove_work(work)


def _take(of: Source, taken: Last, retention: str, lock: HeldLock) -> Manifest:
    own = of.client.endpoints[0]
    status = of.client.status(own)
    _check_room(of.disk, status.size)
    log.report(f"taking snapshot {taken.id} ({retention}) of {own}, about {size_text(status.size)}")
    try:
        of.work.mkdir(mode=0o700)
        file = download(of.client.snapshot(own), of.work / DATABASE, status.size)
        proof = _prove(of, file)
        manifest = _manifest(of, taken, retention, status.version, file, proof)
        lock.check()
        _add(of.bucket, manifest, file)
        lock.check()
        of.client.put_key(LAST_KEY, taken.text())
    finally:
        remove_work(of.work)
    log.report(f"snapshot {taken.id} counts, after {time.time() - taken.time:.0f} s")
    return manifest


def _prove(of: Source, file: SnapshotFile) -> _Proof:
    """That the file can be restored, and then has what the living members had. Raises Failure."""
    with of.programs() as programs:
        revision = revision_of(programs, file.path)
        # At once: the API server has them forget it after five minutes.
        living = held_by_members(of.client, revision)
        restore(programs, file.path, of.work / "restored")
        with throw_away_etcd(programs, of.work / "restored", of.server, of.client) as trial:
            compare(trial, revision, living)
            contents = read_contents(trial)
    log.report(
        f"restored, it has {living[0].keys} keys at revision {revision} with the hash {living[0].digest.hash}, as "
        f"{', '.join(each.endpoint for each in living)}"
    )
    return _Proof(revision, living, contents)


def _manifest(
    of: Source, taken: Last, retention: str, etcd_version: str, file: SnapshotFile, proof: _Proof
) -> Manifest:
    own, *_ = proof.living
    return Manifest(
        id=taken.id,
        retention=retention,
        cluster=of.cluster,
        machine=of.machine,
        time=iso_time(taken.time),
        etcd_version=etcd_version,
        kubernetes_version=proof.contents.kubernetes_version,
        revision=proof.revision,
        hash=own.digest.hash,
        compact_revision=own.digest.compacted,
        keys=own.keys,
        bytes=file.size,
        sha256=file.sha256,
        secrets_keys=proof.contents.secrets_keys,
        etcd_authorities=fingerprints(of.server.authority.read_text()),
        kubernetes_authorities=proof.contents.kubernetes_authorities,
        compared_with=[each.endpoint for each in proof.living],
    )


def _add(bucket: Bucket, manifest: Manifest, file: SnapshotFile) -> None:
    """The manifest comes last: from then on the snapshot counts."""
    folder = f"{manifest.retention}/{manifest.id}"
    log.report(f"adding {folder} to the bucket {bucket.name}")
    with file.path.open("rb") as content:
        body = ReportedFile(content, "adding", file.size)
        bucket.add(f"{folder}/{DATABASE}", body, file.size, file.sha256, "application/octet-stream")
        log.report(f"added {size_text(file.size)} in {body.progress.seconds}")
    text = manifest.text().encode()
    digest = hashlib.sha256(text).hexdigest()
    bucket.add(f"{folder}/{MANIFEST}", io.BytesIO(text), len(text), digest, "application/json")


def remove_work(work: Path) -> None:
    try:
        shutil.rmtree(work)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise Failure(
            f"{work} can't be removed ({error}): remove it by hand, it holds a copy of etcd's data"
        ) from error


def _known_last(of: Source) -> Last | None:
    """The cluster's last one, whoever took it, which is recorded here, too."""
    found = of.client.get_key(LAST_KEY)
    last = read_last(found.decode(errors="replace")) if found is not None else None
    if last:
        record_last(last, of.outcome)
    return last


def _check_room(disk: Path, size: int) -> None:
    if size > LIMIT_BYTES - _CHECKSUM_BYTES:
        raise Failure(
            f"etcd's file has {size_text(size)}, and S3 takes no more than {size_text(LIMIT_BYTES)} at once: no "
            "snapshot was taken. Delete what nobody needs, then run /opt/quorate/bin/quorate-node defragment-etcd "
            "--disarm"
        )
    check_room(disk, 2 * size, "a snapshot with its trial", "no snapshot was taken")
