"""Where snapshots of etcd go, by the program's own component: BACKUPS are the settings of that group, as JSON."""

from __future__ import annotations

import json
import os
import sys

import pulumi


def main() -> None:
    sys.path.insert(0, os.environ["CHECKOUT"])
    from components.backups.snapshot_store import SnapshotStore
    from components.plan import Plan
    from components.settings.validate import parse
    from components.tags import Tags

    networks = ["203.0.113.0/24"]
    settings = parse(
        {
            "cluster": {"name": "probe"},
            "access": {"sshCidrs": networks, "apiCidrs": networks},
            "controlPlane": {"schedulable": True},
            "backups": {"enabled": True, **json.loads(os.environ["BACKUPS"])},
        }
    )
    store = SnapshotStore("probe-snapshots", Plan(settings), Tags("probe", {"purpose": "test"}))
    pulumi.export("bucket", store.bucket_name)
    pulumi.export("key", store.key_arn)


main()
