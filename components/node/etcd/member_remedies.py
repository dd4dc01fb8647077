"""What helps a member that etcd can't start, by etcd's own words. Data is never deleted by itself."""

from __future__ import annotations

from components.node.common.units import Remedies

_SET_ASIDE = (
    "If all other members are healthy, run `systemctl stop etcd; mv /var/lib/etcd/data /var/lib/etcd/data.damaged` on "
    "this machine, then pulumi up: the member enters again and fetches all from the others. Else restore all of them "
    "from a snapshot"
)
REMEDIES: Remedies = {
    "no space left on device": "The disk is full: remove what was set aside in /var/lib/etcd, or raise etcd.volumeGib, "
    "then run pulumi up",
    "permanently removed from the cluster": "The other members have removed this one: run pulumi up again, which sets "
    "its data aside and lets it enter again",
    "permission denied": "etcd may not read its data: run `chown --recursive etcd:etcd /var/lib/etcd/data` on this "
    "machine, then pulumi up",
    "input/output error": f"The disk can't be read. {_SET_ASIDE}",
    "read-only file system": "The disk can't be written: see `journalctl --dmesg` and `systemctl status "
    "quorate-etcd-volume` on this machine",
    "address already in use": "Another program has one of etcd's ports on this machine: see `ss --listening --tcp "
    "--processes`",
    # Of a log or a database that a power cut has torn.
    "tocommit(": f"What this member has on its disk is damaged. {_SET_ASIDE}",
    "crc mismatch": f"What this member has on its disk is damaged. {_SET_ASIDE}",
    "unexpected EOF": f"What this member has on its disk is damaged. {_SET_ASIDE}",
    "failed to find database snapshot": f"What this member has on its disk is damaged. {_SET_ASIDE}",
    "failed to recover v3 backend": f"What this member has on its disk is damaged. {_SET_ASIDE}",
    "failed to read WAL": f"What this member has on its disk is damaged. {_SET_ASIDE}",
    "panic": f"What this member has on its disk may be damaged. {_SET_ASIDE}",
}
"""The first that fits counts."""
