"""The timers of a machine that holds a member."""

from __future__ import annotations

from components.node.common.programs import run


def set_timers(*, snapshots: bool) -> None:
    """Raises Failure. Backups may have been turned off since the last time."""
    run(["systemctl", "enable", "--quiet", "--now", "quorate-defragment-etcd.timer"])
    run(["systemctl", "enable" if snapshots else "disable", "--quiet", "--now", "quorate-snapshot.timer"])
