"""Whether a restored snapshot has what the living members had at its revision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from components.node.common import log
from components.node.common.failure import Failure, Hopeless
from components.node.common.waiting import NotYet, wait_until
from components.node.etcd.client import Digest, EtcdClient, Refusal

# A member reads all its data for it.
_READ_SECONDS = 300
# Those that are behind.
_BEHIND_SECONDS = 30


@dataclass(frozen=True)
class Held:
    """What a member holds, as of a revision."""

    endpoint: str
    digest: Digest
    keys: int


def held_by_members(client: EtcdClient, revision: int) -> Sequence[Held]:
    """What this machine's member, the client's first endpoint, and all others that can say so hold as of `revision`.

    Raises Failure where the first one does not answer, or has forgotten that revision already.
    """
    own, *others = client.endpoints
    found = [_held(client, own, revision, 0)]
    for other in others:
        try:
            # At once, where it is gone.
            client.status(other)
            found.append(_held(client, other, revision, found[0].digest.compacted))
        except Failure as failure:
            log.report(f"not compared with {other}: {failure}")
    return found


def compare(trial: EtcdClient, revision: int, members: Sequence[Held]) -> None:
    """Raises Failure unless the restored snapshot has, as of `revision`, what each of `members` has."""
    for member in sorted(members, key=lambda member: member.digest.compacted):
        restored = held_on_trial(trial, revision, member.digest.compacted)
        if (restored.digest, restored.keys) != (member.digest, member.keys):
            raise Failure(
                f"the restored snapshot is not what {member.endpoint} holds, so it does not count: at revision "
                f"{revision} it has {shown(restored)}, the member {shown(member)}. If the next one differs, too, "
                "compare the members (etcdctl endpoint hashkv); docs/operate.md says what to do where they differ"
            )


def held_on_trial(trial: EtcdClient, revision: int, compacted: int) -> Held:
    """What a restored snapshot has as of `revision`, once it has forgotten what was before `compacted`, too."""
    (endpoint,) = trial.endpoints
    digest = trial.digest(endpoint, revision, _READ_SECONDS)
    if digest.compacted < compacted:
        # Whom it is compared with has forgotten more since: what is left must be the same.
        trial.at(endpoint, seconds=_READ_SECONDS).compact(compacted)
        digest = trial.digest(endpoint, revision, _READ_SECONDS)
    return Held(endpoint, digest, trial.count_keys(endpoint, revision, _READ_SECONDS))


def _held(client: EtcdClient, endpoint: str, revision: int, compacted: int) -> Held:
    """Once the member has reached `revision`, and has forgotten what was before `compacted`."""

    def ask() -> Held:
        try:
            digest = client.digest(endpoint, revision, _READ_SECONDS)
            keys = client.count_keys(endpoint, revision, _READ_SECONDS)
        except Refusal as refusal:
            if "has been compacted" in str(refusal):
                raise Hopeless(
                    f"the members had forgotten revision {revision} before the snapshot could be compared with them; "
                    "the next run tries again. Where that goes on, etcd's disks are too slow for its size"
                ) from refusal
            raise
        if digest.compacted < compacted:
            raise NotYet(f"it has not forgotten revision {compacted} yet")
        return Held(endpoint, digest, keys)

    return wait_until(_BEHIND_SECONDS, f"{endpoint} to say what it holds at revision {revision}", ask)


def shown(held: Held) -> str:
    return f"the hash {held.digest.hash} over {held.keys} keys"
