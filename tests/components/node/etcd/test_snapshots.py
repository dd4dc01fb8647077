"""take-snapshot with members that speak the gateway, a restored etcd that does, too, and a local S3: when one is taken
and by whom, what makes it fail, and what a run leaves that is cut off.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from components.node.common import environment, machine_lock
from components.node.common.failure import Failure
from components.node.common.s3 import Bucket
from components.node.etcd.client import Alarm, EtcdClient
from components.node.etcd.cluster_lock import HeldLock, cluster_lock
from components.node.etcd.snapshot import comparison, room, take
from components.node.etcd.snapshot.contents import secrets_keys
from components.node.etcd.snapshot.download import download
from components.node.etcd.snapshot.due import Last, class_of, is_due, iso_time, read_last, rests
from components.node.etcd.snapshot.outcome import failed_at, read_outcome
from components.node.etcd.snapshot.programs import Programs, programs_of_image, unmount
from components.node.etcd.snapshot.take import Source, clear_leftovers, source, take_snapshot
from components.node.etcd.snapshot.trial import ServerFiles, throw_away_etcd
from tests.components.node.aws_services import SECRETS, s3_refusal
from tests.components.node.etcd.gateway import Authority, encoded
from tests.components.node.etcd.snapshot_world import BUCKET, HELD, HOUR, NOON, PLAIN, World
from tests.components.node.stand_ins import stand_ins

# When, by whom, and for how long.


@pytest.mark.parametrize(
    ("last", "now", "expected"),
    [
        (None, "2026-11-30T12:00:00Z", "monthly"),
        ("2026-11-30T06:00:00Z", "2026-11-30T12:00:00Z", "all"),
        ("2026-11-29T23:59:00Z", "2026-11-30T00:01:00Z", "daily"),
        ("2026-11-30T23:59:00Z", "2026-12-01T00:01:00Z", "monthly"),
        ("2025-11-30T12:00:00Z", "2026-11-30T12:00:00Z", "monthly"),
        ("2026-10-30T12:00:00Z", "2026-11-30T12:00:00Z", "monthly"),
    ],
)
def test_the_first_of_a_month_and_of_a_day_are_kept_for_longer(last: str | None, now: str, expected: str) -> None:
    before = last and read_last(json.dumps({"id": "one", "time": last, "machine": "etcd-0"}))
    this = read_last(json.dumps({"id": "two", "time": now, "machine": "etcd-0"}))
    assert this is not None
    assert class_of(before or None, this.time) == expected


@pytest.mark.parametrize(("ago", "due"), [(0, False), (6 * HOUR - 1, False), (6 * HOUR, True), (-7 * HOUR, True)])
def test_one_is_due_when_the_last_is_as_old_as_the_interval_or_was_taken_by_a_wrong_clock(
    ago: float, due: bool
) -> None:
    assert is_due(Last("one", int(NOON - ago), "etcd-0"), NOON, 6) is due


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"id": "a", "time": "yesterday", "machine": "b"}'])
def test_what_is_no_note_of_a_snapshot_counts_as_none(text: str) -> None:
    assert read_last(text) is None


def test_a_snapshot_is_added_with_its_manifest_and_noted_in_etcd(world: World, authority: Authority) -> None:
    of = world.sources[1]
    take_snapshot(of)
    folder = "monthly/20261130T120000Z-etcd-1"
    assert world.objects == [f"{folder}/etcd.db", f"{folder}/manifest.json"]
    database = world.members.database
    content = database + hashlib.sha256(database).digest()
    assert world.aws.buckets[BUCKET][f"{folder}/etcd.db"].body == content, "as etcdctl would have written it"
    (manifest,) = world.manifests
    der = authority.fingerprint
    assert manifest == {
        "format": 1,
        "id": "20261130T120000Z-etcd-1",
        "retention": "monthly",
        "cluster": "test",
        "machine": "etcd-1",
        "time": "2026-11-30T12:00:00Z",
        "etcd_version": "3.6.14",
        "kubernetes_version": "v1.36.4",
        "revision": 100,
        "hash": 4711,
        "compact_revision": 50,
        "keys": 123,
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "secrets_keys": ["secretbox:key0", "secretbox:key1"],
        "etcd_authorities": [der],
        "kubernetes_authorities": [der],
        "compared_with": list(of.client.endpoints),
        "verified": True,
    }
    assert world.last == Last("20261130T120000Z-etcd-1", NOON, "etcd-1")
    last = {"id": manifest["id"], "machine": "etcd-1", "time": "2026-11-30T12:00:00Z"}
    assert read_outcome(of.outcome) == {"lastSuccess": manifest, "lastOfCluster": last}
    assert not of.work.exists()
    (restored,) = world.programs.calls_with("snapshot restore")
    assert f"--data-dir={of.work}/restored" in restored


def test_one_that_is_younger_than_the_interval_is_left_alone_by_every_machine(world: World) -> None:
    world.was_taken(6 * HOUR - 1)
    for each in world.sources:
        take_snapshot(each)
    assert world.objects == []
    assert world.members.asked("v3/lease/grant") == [], "nor is there a lock"
    world.now += 1
    for each in world.sources:
        take_snapshot(each)
    assert [manifest["id"] for manifest in world.manifests] == ["20261130T120001Z-etcd-0"], "the first takes it"


def test_one_is_taken_now_by_hand(world: World) -> None:
    world.was_taken(60)
    take_snapshot(world.sources[0], now=True)
    assert [manifest["retention"] for manifest in world.manifests] == ["all"]


def test_who_waits_for_the_lock_has_nothing_to_do_when_the_other_has_done_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def after_another(*arguments: Any, **options: Any) -> Iterator[Any]:
        with cluster_lock(*arguments, **options) as lock:
            world.was_taken(0)
            yield lock

    monkeypatch.setattr(take, "cluster_lock", after_another)
    take_snapshot(world.sources[0])
    assert world.objects == []


def test_another_machine_takes_over_from_one_that_died_meanwhile(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    _killed_at(world.sources[0], lambda: _patch(take, "restore", _die))
    world.lets_leases_end()
    take_snapshot(world.sources[2])
    assert [manifest["machine"] for manifest in world.manifests] == ["etcd-2"]


def test_a_failure_leaves_the_note_alone_so_that_another_machine_tries(world: World) -> None:
    world.was_taken(6 * HOUR)
    before = world.last
    world.members.torn = 1
    with pytest.raises(Failure):
        take_snapshot(world.sources[0])
    assert world.last == before
    world.members.torn = None
    take_snapshot(world.sources[1])
    assert [manifest["machine"] for manifest in world.manifests] == ["etcd-1"]
    assert "broke off" in read_outcome(world.sources[0].outcome)["lastFailure"]["reason"]


def test_a_machine_whose_attempt_failed_leaves_it_to_the_others_for_a_while(world: World) -> None:
    of = world.sources[0]
    world.members.torn = 1
    with pytest.raises(Failure):
        take_snapshot(of)
    assert read_outcome(of.outcome)["lastFailure"]["id"] == "20261130T120000Z-etcd-0"
    world.members.torn = None
    world.now += HOUR - 1
    take_snapshot(of)
    assert world.objects == []
    take_snapshot(of, now=True)
    assert len(world.manifests) == 1, "by hand at any time"
    world.now += 6 * HOUR
    take_snapshot(of)
    assert len(world.manifests) == 2
    assert set(read_outcome(of.outcome)) == {"lastFailure", "lastSuccess", "lastOfCluster"}


def test_a_machine_that_could_not_begin_tries_again_at_the_next_look(world: World) -> None:
    world.members.alarms = ["NOSPACE"]
    with pytest.raises(Alarm):
        take_snapshot(world.sources[0])
    world.members.alarms = []
    world.now += 600
    take_snapshot(world.sources[0])
    assert len(world.manifests) == 1


@pytest.mark.parametrize(
    ("ago", "hours", "expected"),
    [(None, 6, False), (3599, 6, True), (3600, 6, False), (899, 1, True), (900, 1, False), (-7200, 6, False)],
)
def test_the_rest_after_a_failure_is_short(ago: float | None, hours: float, expected: bool) -> None:
    assert rests(None if ago is None else int(NOON - ago), NOON, hours) is expected


@pytest.mark.parametrize("text", ["", "{", "[]", '{"lastFailure": 1}', '{"lastFailure": {"id": "a", "time": "late"}}'])
def test_what_is_no_note_of_a_failure_counts_as_none(text: str, tmp_path: Path) -> None:
    (tmp_path / "snapshot.json").write_text(text)
    assert failed_at(tmp_path / "snapshot.json") is None


# What makes one fail.


def _flip(world: World) -> None:
    world.members.checksum = bytes(32)


def _tear(pieces: int) -> Callable[[World], None]:
    return lambda world: setattr(world.members, "torn", pieces)


def _restores(*held: int) -> Callable[[World], None]:
    return lambda world: world.restored.held.update(dict.fromkeys(world.restored.held, held))  # type: ignore[arg-type]


def _program_fails(call: str) -> Callable[[World], None]:
    return lambda world: world.programs.program(
        "etcdutl", (call, 1, "no space left on device"), ("snapshot status", 0, '{"revision": 100}')
    )


def _says_nothing(world: World) -> None:
    world.programs.program("etcdutl", ("snapshot status", 0, "{}"))


def _forgets(world: World) -> None:
    world.members.held = dict.fromkeys(world.members.held, (4711, 101, 123))


def _raises_alarm(world: World) -> None:
    world.members.alarms = ["NOSPACE"]


@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        (_tear(0), "broke off"),
        (_tear(1), "broke off"),
        (_tear(3), "broke off"),
        (_flip, "does not have the checksum that etcd sent with it"),
        (_program_fails("snapshot status"), "can't be read, so it does not count: .*no space left"),
        (_program_fails("snapshot restore"), "can't be restored, so it does not count: .*no space left"),
        (_says_nothing, "does not say which revision"),
        (_restores(4712, 50, 123), "is not what .* holds, so it does not count: .* hash 4712 .* hash 4711 over 123"),
        (_restores(4711, 50, 122), "over 122 keys, the member the hash 4711 over 123 keys"),
        (_forgets, "had forgotten revision 100 before the snapshot could be compared"),
        (_raises_alarm, "alarm NOSPACE"),
    ],
)
def test_what_is_not_whole_or_not_the_same_is_never_sent_and_told(
    trouble: Callable[[World], None], told: str, world: World
) -> None:
    of = world.sources[0]
    trouble(world)
    with pytest.raises(Failure, match=told):
        take_snapshot(of)
    assert world.objects == []
    assert world.last is None
    assert not of.work.exists()
    assert encoded("quorate/lock/snapshot") not in world.members.keys, "the lock is free again"
    assert set(read_outcome(of.outcome)) == {"lastFailure"}


def test_a_disk_that_is_full_is_told_and_nothing_is_left_on_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    of = world.sources[0]
    monkeypatch.setattr(take, "DATABASE", "/dev/full")
    with pytest.raises(Failure, match=r"can't be written: .*No space left .*raise etcd.volumeGib"):
        take_snapshot(of)
    assert not of.work.exists()
    assert world.objects == []


def test_a_disk_without_room_for_copy_and_trial_is_refused_before_anything_is_read(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "SPARE_BYTES", 1024**3)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1024**3 + 199_999))
    with pytest.raises(Failure, match=r"has 1024.2 MiB free, .* takes up to 1024.2 MiB: no snapshot was taken"):
        take_snapshot(world.sources[0])
    assert world.members.asked("v3/maintenance/snapshot") == []
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1024**3 + 200_000))
    take_snapshot(world.sources[0], now=True)
    assert world.manifests


def test_more_than_s3_takes_at_once_is_refused_before_anything_is_read(world: World) -> None:
    world.members.sizes = dict.fromkeys(world.members.sizes, (5 * 1024**3, 1))
    with pytest.raises(Failure, match=r"S3 takes no more than 5120.0 MiB at once: no snapshot was taken"):
        take_snapshot(world.sources[0])
    assert world.members.asked("v3/maintenance/snapshot") == []


@pytest.mark.parametrize(
    ("status", "code", "refused"),
    [
        (412, "PreconditionFailed", "etcd.db"),
        (403, "AccessDenied", "etcd.db"),
        (404, "NoSuchBucket", "etcd.db"),
        (400, "KMS.DisabledException", "etcd.db"),
        (403, "AccessDenied", "manifest.json"),
    ],
)
def test_one_that_the_bucket_does_not_take_does_not_count(status: int, code: str, refused: str, world: World) -> None:
    add = Bucket.add

    def refuse(self: Bucket, key: str, *rest: Any) -> None:
        if key.endswith(refused):
            world.aws.refusals = [s3_refusal(status, code, "because")]
        add(self, key, *rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Bucket, "add", refuse)
        with pytest.raises(Failure, match=f"{refused} with {status}: {code}: because. "):
            take_snapshot(world.sources[0])
    assert world.manifests == []
    assert world.last is None
    world.now += 600
    take_snapshot(world.sources[1])
    assert [manifest["id"] for manifest in world.manifests] == ["20261130T121000Z-etcd-1"]


def test_the_lock_is_asked_for_before_anything_is_sent(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def lose(*_: object) -> None:
        raise Failure("this machine has lost the lock")

    monkeypatch.setattr(HeldLock, "check", lose)
    with pytest.raises(Failure, match="lost the lock"):
        take_snapshot(world.sources[0])
    assert world.objects == []


# What the members say.


def test_what_members_have_forgotten_since_is_forgotten_on_trial_before_it_is_compared(
    world: World, addresses: tuple[str, ...]
) -> None:
    world.members.held = {addresses[0]: (100, 60, 123), addresses[1]: (101, 70, 123), addresses[2]: (101, 70, 123)}
    world.restored.rehashed = {60: 100, 70: 101}
    take_snapshot(world.sources[0])
    assert world.restored.compacted == 70
    (manifest,) = world.manifests
    assert (manifest["hash"], manifest["compact_revision"]) == (100, 60)
    assert len(manifest["compared_with"]) == 3
    world.restored.held, world.restored.compacted = {addresses[0]: HELD}, 50
    world.restored.rehashed[70] = 102
    with pytest.raises(Failure, match=f"is not what https://{addresses[1]}"):
        take_snapshot(world.sources[0], now=True)


def test_a_member_that_is_gone_or_behind_is_not_compared_with_and_that_is_told(
    world: World, addresses: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(comparison, "_BEHIND_SECONDS", 0)
    world.members.held[addresses[2]] = (1, 40, 1)
    of = world.sources[0]
    gone = EtcdClient(of.client._trust, [*of.client.endpoints, f"https://{addresses[0]}:9"])
    take_snapshot(replace(of, client=gone))
    (manifest,) = world.manifests
    assert manifest["compared_with"] == [f"https://{address}:2379" for address in addresses[:2]]
    told = capsys.readouterr().out
    assert f"not compared with https://{addresses[2]}:2379: waited" in told
    assert "has not forgotten revision 50 yet" in told
    assert f"not compared with https://{addresses[0]}:9: " in told


def test_members_that_have_forgotten_nothing_yet_are_compared(world: World, addresses: tuple[str, ...]) -> None:
    """So they are for the first minutes of a cluster; etcd says -1 then."""
    world.members.held = dict.fromkeys(world.members.held, (4711, -1, 123))
    world.restored.held = dict.fromkeys(world.restored.held, (4711, -1, 123))
    take_snapshot(world.sources[0])
    (manifest,) = world.manifests
    assert manifest["compact_revision"] == 0


def test_members_that_differ_from_each_other_are_told_though_the_snapshot_is_as_its_own(
    world: World, addresses: tuple[str, ...]
) -> None:
    world.members.held[addresses[1]] = (1, 50, 123)
    with pytest.raises(Failure, match=rf"is not what https://{addresses[1]}:2379 holds.*docs/operate.md"):
        take_snapshot(world.sources[0])


def test_secrets_keys_are_named_by_what_needs_them() -> None:
    values = [b"k8s:enc:aesgcm:v1:a:x", b"k8s:enc:kms:v2:vault:x", b"k8s:enc:aesgcm:v1:a:y", b"k8s\0Secret", b""]
    assert secrets_keys(values) == ["aesgcm:a", "kms:vault"]


# A run that is cut off.


def _die(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _patch(where: object, name: str, value: object) -> None:
    setattr(where, name, value)


def _at_the_manifest() -> None:
    add = Bucket.add

    def killed(self: Bucket, key: str, *rest: Any) -> None:
        if key.endswith("manifest.json"):
            _die()
        add(self, key, *rest)

    _patch(Bucket, "add", killed)


def _killed_at(of: Source, patch: Callable[[], None]) -> None:
    """A run in a process of its own, killed where `patch` says."""

    def run() -> None:
        patch()
        take_snapshot(of)

    process = multiprocessing.get_context("fork").Process(target=run)
    process.start()
    process.join(120)
    # One that is not over would keep what the members listen on.
    over = process.exitcode
    process.kill()
    assert over == -signal.SIGKILL


@pytest.mark.parametrize(
    ("patch", "counted"),
    [
        (lambda: _patch(take, "download", _die), 0),
        (lambda: _patch(take, "revision_of", _die), 0),
        (lambda: _patch(take, "held_by_members", _die), 0),
        (lambda: _patch(take, "restore", _die), 0),
        (lambda: _patch(take, "compare", _die), 0),
        (lambda: _patch(take, "_add", _die), 0),
        (_at_the_manifest, 0),
        (lambda: _patch(EtcdClient, "put_key", _die), 1),
        (lambda: _patch(take, "remove_work", _die), 0),
    ],
    ids=["copy", "read", "members", "restore", "compare", "send", "manifest", "note", "clear"],
)
def test_what_a_killed_run_leaves_is_cleared_by_the_next_one_and_counts_only_with_a_manifest(
    patch: Callable[[], None], counted: int, world: World
) -> None:
    of = world.sources[0]
    of.work.mkdir()
    _killed_at(of, patch)
    assert of.work.exists()
    assert len(world.manifests) == counted
    assert world.last is None
    world.lets_leases_end()
    world.now += 600
    take_snapshot(of)
    assert not of.work.exists()
    assert len(world.manifests) == counted + 1
    assert world.last is not None


def test_leftovers_are_cleared_though_no_snapshot_is_due(world: World) -> None:
    of = world.sources[0]
    world.was_taken(0)
    (of.work / "restored/member/wal").mkdir(parents=True)
    (of.work / "etcd.db").write_text("a copy")
    take_snapshot(of)
    assert not of.work.exists()


# What nobody may see.


def test_nothing_secret_is_in_logs_command_lines_or_the_manifest(
    world: World, authority: Authority, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    take_snapshot(world.sources[0])
    world.aws.refusals.append(s3_refusal(403, "SignatureDoesNotMatch", " ".join(SECRETS[:2])))
    with pytest.raises(Failure) as refused:
        take_snapshot(world.sources[0], now=True)
    (manifest,) = world.manifests
    logs = "".join(path.read_text() for path in (tmp_path / "logs").glob("*.log"))
    seen = "\n".join([capsys.readouterr().out, str(refused.value), logs, *world.programs.calls, json.dumps(manifest)])
    seen += world.sources[0].outcome.read_text()
    assert "(hidden)" in seen
    key = (authority.folder / "member.key").read_text().splitlines()[1]
    assert not [secret for secret in (*SECRETS, PLAIN, "sealed", key) if secret in seen]


def test_the_copy_is_for_nobody_else(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    modes = []
    monkeypatch.setattr(take, "restore", lambda programs, file, data: modes.append(file.parent.stat().st_mode & 0o777))
    take_snapshot(world.sources[0])
    assert modes == [0o700]


# Where the parts of it come from.


def test_what_is_copied_and_where_to_follow_from_the_machines_role(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "ETC", tmp_path)
    own = "MACHINE_NAME=one\nNODE_ADDRESS=10.0.0.1\nCLUSTER_NAME=test\n"
    goes = "SNAPSHOT_BUCKET=b\nSNAPSHOT_KEY=k\nSNAPSHOT_HOURS=6\n"
    etcd = f"ROLE=etcd\nETCD_VERSION=3.6.14\nETCD_VOLUME_ID=vol-1\nPEER_ADDRESSES='10.0.0.2 10.0.0.3'\n{own}"
    (tmp_path / "node.env").write_text(etcd + goes)
    found = source()
    assert found.client.endpoints[0] == "https://10.0.0.1:2379"
    assert found.bucket == Bucket("b", "k")
    assert (found.hours, found.cluster, found.machine) == (6, "test", "one")
    assert found.server.certificate == Path("/etc/etcd/pki/member.crt")
    with found.programs() as programs:
        assert programs == Programs("etcd", "etcdutl")
    (tmp_path / "node.env").write_text(f"ROLE=control-plane\nCONTROL_PLANE_ADDRESSES=10.0.0.2\n{own}{goes}")
    (tmp_path / "kubeadm.yaml").write_text("kind: ClusterConfiguration\netcd: {local: {dataDir: /d}}\n")
    found = source()
    assert found.client.endpoints == ("https://10.0.0.1:2379", "https://10.0.0.2:2379")
    assert found.server.certificate == Path("/etc/kubernetes/pki/etcd/server.crt")
    assert found.programs is programs_of_image
    (tmp_path / "node.env").write_text(etcd + goes.replace("=6", "=often"))
    with pytest.raises(Failure, match=r"SNAPSHOT_HOURS to 'often', which is not a number; run pulumi up"):
        source()
    (tmp_path / "node.env").write_text(etcd)
    with pytest.raises(Failure, match=r"no bucket for snapshots: set backups.enabled"):
        source()


def test_the_step_takes_no_other_argument(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(machine_lock, "LOCKS", tmp_path)
    assert take.main(["--yes"]) == 2
    assert "usage: quorate-node take-snapshot [--now]" in capsys.readouterr().err


def test_a_stacked_members_programs_are_those_of_its_image_mounted_for_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = stand_ins(tmp_path / "programs", monkeypatch)
    programs.program("ctr")
    manifest, mount_point = tmp_path / "etcd.yaml", tmp_path / "run" / "etcd-image"
    manifest.write_text("spec: {containers: [{name: etcd, image: 'registry.k8s.io/etcd:3.6.8-0'}]}\n")
    with programs_of_image(manifest, mount_point) as found:
        assert found == Programs(f"{mount_point}/usr/local/bin/etcd", f"{mount_point}/usr/local/bin/etcdutl")
    unmounted = f"ctr --namespace k8s.io images unmount --rm {mount_point}"
    mounted = f"ctr --namespace k8s.io images mount registry.k8s.io/etcd:3.6.8-0 {mount_point}"
    assert programs.calls == [unmounted, mounted, unmounted]
    assert not mount_point.exists()
    # Left by a run that was killed.
    mount_point.mkdir()
    clear_leftovers(tmp_path / "none", mount_point)
    assert programs.calls[3:] == [unmounted]
    assert not mount_point.exists()
    unmount(mount_point)
    assert len(programs.calls) == 4, "containerd isn't asked where nothing is mounted, as on machines without it"


@pytest.mark.parametrize("text", [None, "spec: {}", "spec: {containers: []}", "]"])
def test_a_static_pod_without_an_image_is_told(text: str | None, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "etcd.yaml").write_text(text)
    with (
        pytest.raises(Failure, match=r"does not say which image etcd runs .*run pulumi up"),
        programs_of_image(tmp_path / "etcd.yaml", tmp_path / "mount"),
    ):
        pass


def test_an_image_that_can_not_be_mounted_is_a_failure_that_leaves_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_ins(tmp_path / "programs", monkeypatch).program("ctr", ("images mount", 1, "image not found"))
    (tmp_path / "etcd.yaml").write_text("spec: {containers: [{image: etcd}]}\n")
    mounted: AbstractContextManager[Programs] = programs_of_image(tmp_path / "etcd.yaml", tmp_path / "mount")
    with pytest.raises(Failure, match="image not found"), mounted:
        pass
    assert not (tmp_path / "mount").exists()


def test_a_throw_away_etcd_that_does_not_start_is_told_at_once_in_its_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, authority: Authority
) -> None:
    said = json.dumps({"level": "panic", "msg": "failed to recover v3 backend", "error": "the file is torn"})
    stand_ins(tmp_path / "programs", monkeypatch).program("etcd", ("", 2, f"{said}\n"))
    monkeypatch.setenv("ETCD_DATA_DIR", "/somewhere/else")
    files = ServerFiles(*(authority.folder / name for name in ("ca.crt", "member.crt", "member.key")))
    client = EtcdClient(authority.trust, ["https://127.0.0.1:1"])
    begun = time.monotonic()
    with (
        pytest.raises(Failure, match=r"it ended with 2: panic: failed to recover v3 backend: the file is torn"),
        throw_away_etcd(Programs(), tmp_path / "restored", files, client),
    ):
        pass
    assert time.monotonic() - begun < 10


def test_a_copy_that_etcd_did_not_finish_is_no_copy(tmp_path: Path) -> None:
    content = os.urandom(5000)
    checksum = hashlib.sha256(content).digest()
    whole = [content[:100], content[100:], checksum[:7], checksum[7:]]
    file = download(iter(whole), tmp_path / "whole", 5000)
    assert (file.size, file.sha256) == (5032, hashlib.sha256(content + checksum).hexdigest())
    for parts in ([], [b"short"], [content], [content[1:], checksum], [content, checksum, b"more"]):
        with pytest.raises(Failure, match="does not have the checksum"):
            download(iter(parts), tmp_path / "torn", 5000)


def test_an_alarm_is_told_as_such(world: World) -> None:
    world.members.alarms = ["CORRUPT"]
    with pytest.raises(Alarm, match="CORRUPT"):
        take_snapshot(world.sources[0])


def test_times_are_written_as_aws_writes_them() -> None:
    assert iso_time(NOON) == "2026-11-30T12:00:00Z"
