"""Proves a snapshot of the bucket again: fetched, read, restored into a throw-away etcd, compared with its manifest.

What is offered comes by standard input, as `Offer.text` gives it. Members and what they hold are left alone; a snapshot
that is taken on this machine meanwhile waits.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from components.node.common import log
from components.node.common.failure import Failure
from components.node.common.machine_lock import machine_lock
from components.node.common.step import run_step, usage
from components.node.etcd.client import Digest, EtcdClient
from components.node.etcd.snapshot import take
from components.node.etcd.snapshot.comparison import Held, held_on_trial, shown
from components.node.etcd.snapshot.contents import read_contents
from components.node.etcd.snapshot.fetch import Offer, fetch, read_offer
from components.node.etcd.snapshot.manifest import DATABASE, Manifest
from components.node.etcd.snapshot.take import Source, clear_leftovers, remove_work, source
from components.node.etcd.snapshot.trial import restore, revision_of, throw_away_etcd
from components.node.restore.record import refuse_while_restoring

_STEP = "verify-snapshot"


def main(arguments: Sequence[str]) -> int:
    if arguments:
        return usage(f"usage: quorate-node {_STEP} <OFFER; who reads the bucket runs `python -m operations backups`")

    def work() -> None:
        refuse_while_restoring()
        verify_snapshot(source(), read_offer(sys.stdin.read()))

    # The folder that it works in, and where the programs are mounted, are those of taking one.
    return run_step(_STEP, work, within=machine_lock(take.STEP, take.TURN_SECONDS))


def verify_snapshot(of: Source, offer: Offer) -> None:
    """Raises Failure unless the snapshot can be restored, and then has what its manifest says."""
    manifest = offer.manifest
    clear_leftovers(of.work)
    try:
        of.work.mkdir(mode=0o700)
        log.report(f"fetching snapshot {manifest.id}")
        file = fetch(offer, of.work / DATABASE, beside=manifest.bytes)
        with of.programs() as programs:
            revision = revision_of(programs, file.path)
            if revision != manifest.revision:
                raise Failure(_differs(manifest, f"the revision {revision}", f"{manifest.revision}"))
            restore(programs, file.path, of.work / "restored")
            with throw_away_etcd(programs, of.work / "restored", of.server, of.client) as trial:
                _compare(trial, manifest)
    finally:
        remove_work(of.work)
    log.report(
        f"snapshot {manifest.id} is whole: restored, it has {manifest.keys} keys at revision {manifest.revision} with "
        f"the hash {manifest.hash}, as its manifest says"
    )


def _compare(trial: EtcdClient, manifest: Manifest) -> None:
    told = Held("the manifest", Digest(manifest.hash, manifest.compact_revision), manifest.keys)
    found = held_on_trial(trial, manifest.revision, manifest.compact_revision)
    if (found.digest, found.keys) != (told.digest, told.keys):
        raise Failure(_differs(manifest, shown(found), shown(told)))
    contents = read_contents(trial)
    if list(contents.secrets_keys) != list(manifest.secrets_keys):
        raise Failure(
            _differs(
                manifest,
                f"Secrets below the keys {', '.join(contents.secrets_keys) or '(none)'}",
                ", ".join(manifest.secrets_keys) or "none",
            )
        )


def _differs(manifest: Manifest, found: str, told: str) -> str:
    return (
        f"snapshot {manifest.id} is not what its manifest says: restored, it has {found}, by its manifest {told}. "
        "Choose another one to restore"
    )
