"""Whether a snapshot may be restored, and what that loses: decided by recorded evidence. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from components.node.etcd.snapshot.due import read_time
from components.node.etcd.snapshot.manifest import Manifest
from components.node.etcd.snapshot.progress import size_text
from components.node.etcd.snapshot.room import SPARE_BYTES
from components.node.restore.record import Record
from components.settings.quorum import quorum
from operations.errors import OperationFailed
from operations.restore.evidence import Evidence, records

# What a record names in place of a snapshot on the way back from a restore, before that one's id.
ASIDE: Final = "set aside by "
# What etcd advises: a client that saw a revision which the restored data lacks must never wait for it. It is a week of
# 1500 writes a second.
_BUMP: Final = 1_000_000_000


def under_way(found: Sequence[Evidence]) -> Record | None:
    """The restore that some of the machines have begun. Raises OperationFailed where they name different ones."""
    named = records(found)
    if not named:
        return None
    *others, newest = named
    if strange := [other for other in others if other.id != newest.replaces]:
        where = ", ".join(each.machine for each in found if each.record and each.record.id == strange[0].id)
        raise OperationFailed(
            f"the machines name different restores: {newest.snapshot}, begun at {newest.begun}, and, on {where}, "
            f"{strange[0].snapshot}, begun at {strange[0].begun}. Find out which one is meant, and remove "
            "/var/lib/quorate/restore.json where the other one stands"
        )
    return newest


def refusals(manifest: Manifest, cluster: str, members: Sequence[str], found: Mapping[str, Evidence]) -> Iterator[str]:
    """Why `manifest` can't be restored into the cluster: all reasons. `members` are the machines that hold one."""
    if manifest.cluster != cluster:
        yield f"the snapshot is of the cluster {manifest.cluster}, and this is {cluster}"
    for name, each in found.items():
        if each.cluster != cluster:
            yield f"{name} says that it is of the cluster {each.cluster}, and this is {cluster}"
        yield from _control_plane_refusals(manifest, name, each)
    for name in members:
        if name in found:
            yield from _member_refusals(manifest, name, found[name])


def _control_plane_refusals(manifest: Manifest, name: str, evidence: Evidence) -> Iterator[str]:
    control_plane = evidence.control_plane
    if control_plane is None:
        return
    if not control_plane.has_api_server:
        yield f"{name} never was a control plane: run `pulumi up`, which makes it one, and read where that fails"
    if missing := sorted({*manifest.secrets_keys} - {*control_plane.secrets_keys}):
        yield (
            f"Secrets in the snapshot are encrypted with {', '.join(missing)}, which {name} does not have "
            f"({', '.join(control_plane.secrets_keys) or 'it has no key'}): nobody could read them. Bring the key back "
            "from an export of the state of that time"
        )
    if manifest.kubernetes_authorities and not {*manifest.kubernetes_authorities} & {*control_plane.authorities}:
        yield (
            f"the snapshot's cluster trusts another authority than {name} has: every kubelet, token and kubeconfig "
            "would be refused. Restore it where the stack's state of that time is"
        )
    if _minor(control_plane.kubernetes_version) < _minor(manifest.kubernetes_version):
        yield (
            f"the snapshot was written by Kubernetes {manifest.kubernetes_version}, and {name} runs "
            f"{control_plane.kubernetes_version}, which can't read all of it: set cluster.kubernetesVersion"
        )


def _member_refusals(manifest: Manifest, name: str, evidence: Evidence) -> Iterator[str]:
    member = evidence.member
    if member is None:
        yield f"{name} says that it holds no member of etcd: run `pulumi up` first"
        return
    if manifest.etcd_authorities and not {*manifest.etcd_authorities} & {*member.authorities}:
        yield f"etcd on {name} has another authority than when the snapshot was taken: it is another cluster"
    if member.version and _minor(member.version) < _minor(manifest.etcd_version):
        yield (
            f"the snapshot was taken from etcd {manifest.etcd_version}, and {name} has {member.version}, which can't "
            "read it: raise etcd.version"
        )
    needed = 2 * manifest.bytes + SPARE_BYTES
    if member.free < needed and evidence.record is None:
        yield (
            f"the disk of etcd on {name} has {size_text(member.free)} free, and the snapshot beside the data takes up "
            f"to {size_text(needed)}: raise etcd.volumeGib and run `pulumi up`, or remove what was set aside earlier"
        )


def bump(snapshot_revision: int, known: Sequence[int]) -> int:
    """What is added to the snapshot's revision, so that it is beyond every revision that is `known`."""
    return max(0, *(revision - snapshot_revision for revision in (*known, snapshot_revision))) + _BUMP


def loss(manifest: Manifest, found: Sequence[Evidence], now: float) -> Sequence[str]:
    """What a restore loses, as far as anybody can tell."""
    begun = read_time(manifest.time)
    lines = [f"everything that was written since {manifest.time}, {age(now - begun)} ago, is lost"]
    serving = [each.member for each in found if each.member and not each.member.why]
    if not serving:
        lines.append("no member of etcd serves, so nobody can say how much that is")
        return lines
    newest = max(serving, key=lambda member: member.revision)
    changes = newest.revision - manifest.revision
    if changes >= 0:
        lines.append(f"that is {changes} changes in etcd; it has {newest.keys} keys now, and had {manifest.keys} then")
    else:
        lines.append(
            f"etcd has {newest.keys} keys now, and had {manifest.keys} then, at a later revision than today's: it was "
            "made again since"
        )
    return lines


def is_way_back(record: Record) -> bool:
    """Whether it goes back to what was there before a restore."""
    return record.undo or record.snapshot.startswith(ASIDE)


def untouched(record: Record, found: Sequence[Evidence]) -> bool:
    """Whether the restore of `record` has exchanged no data yet, and all serves what it had."""
    return not record.undo and all(
        not (each.member and (each.member.why or record.id in each.member.set_aside))
        and not (each.control_plane and each.control_plane.why)
        for each in found
    )


def members_with_data(restore: str, members: Sequence[str], found: Mapping[str, Evidence]) -> Sequence[str]:
    """The members that have data of before `restore` to go back to."""
    return [name for name in members if (each := found[name].member) and each.set_aside.get(restore, each.has_data)]


def set_aside_by_all(members: Sequence[str], found: Mapping[str, Evidence]) -> str:
    """The last restore whose data of before all members still have. Raises OperationFailed where there is none."""
    common = [{*each.set_aside} for name in members if (each := found[name].member)]
    if ids := sorted(set.intersection(*common) if common else ()):
        return ids[-1]
    raise OperationFailed("no restore is under way, and no data is set aside on all members: nothing to go back to")


def can_go_back(
    restore: str, members: Sequence[str], found: Mapping[str, Evidence], *, all_of_them: bool = False
) -> Iterator[str]:
    """Why there is no way back to the data of before `restore`: a quorum of members needs some, or `all_of_them`."""
    with_data = members_with_data(restore, members, found)
    needed = len(members) if all_of_them else quorum(len(members))
    if len(with_data) < needed:
        yield (
            f"{len(with_data)} of {len(members)} members had data before, and {needed} must have some to go back to: "
            "finish the restore, or restore another snapshot"
        )


def age(seconds: float) -> str:
    """Seconds as a person says them."""
    if abs(seconds) < 120:
        return f"{seconds:.0f} s"
    if abs(seconds) < 2 * 3600:
        return f"{seconds / 60:.0f} min"
    if abs(seconds) < 2 * 86400:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 86400:.1f} days"


def _minor(version: str) -> tuple[int, int]:
    """Major and minor; (0, 0) where there is none."""
    found = re.match(r"v?(\d+)\.(\d+)", version)
    return (int(found[1]), int(found[2])) if found else (0, 0)
