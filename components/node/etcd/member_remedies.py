"""What helps a member that etcd can't start, by etcd's own words. Data is never deleted by itself."""

from __future__ import annotations

from components.node.common.units import Remedies

_ELSE = "Else restore all of them from a snapshot: python -m operations restore"


def _remedies(set_aside: str) -> Remedies:
    """The first that fits counts. `set_aside` is how to begin again without the data."""
    damaged = f"What this member has on its disk is damaged. {set_aside}. {_ELSE}"
    return {
        "no space left on device": "The disk is full: delete what was set aside in /var/lib/etcd, or raise "
        "etcd.volumeGib, then run pulumi up",
        "permanently removed from the cluster": "The other members have removed this one: run pulumi up again, which "
        "sets its data aside and lets it enter again",
        "permission denied": "etcd may not read its data: see `ls -lR /var/lib/etcd/data` on this machine; all of it "
        "belongs to the user that etcd runs as",
        "read-only file system": "The disk can't be written: see `journalctl --dmesg` and `systemctl status "
        "quorate-etcd-volume` on this machine",
        "address already in use": "Another program has one of etcd's ports on this machine: see `ss --listening --tcp "
        "--processes`",
        "input/output error": f"The disk can't be read. {set_aside}. {_ELSE}",
        # A log or a database that a power cut has torn.
        "tocommit(": damaged,
        "crc mismatch": damaged,
        "unexpected EOF": damaged,
        "failed to find database snapshot": damaged,
        "failed to recover v3 backend": damaged,
        "failed to read WAL": damaged,
        "panic": damaged.replace("is damaged", "may be damaged"),
    }


REMEDIES = _remedies(
    "If all other members are healthy, run `systemctl stop etcd; mv /var/lib/etcd/data /var/lib/etcd/data.damaged` on "
    "this machine, then pulumi up: the member enters again and fetches all from the others"
)
"""Of a member on a machine of its own."""
STACKED_REMEDIES = _remedies(
    "If all other members are healthy, set its data aside and let a new machine join in its place, as docs/operate.md "
    "says under 'When etcd does not serve'"
)
"""Of a member beside an API server."""
