"""What machines need so that one of them takes a snapshot of etcd from time to time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi_aws as aws
from pulumi import Output, ResourceOptions

from components.backups.snapshot_store import SnapshotStore
from components.delivery.node_files import with_environment
from components.delivery.steps import Files
from components.identity.statements import add_snapshots, policy
from components.machines.identity import MachineIdentity
from components.site import Site


class Backups:
    """Where snapshots go, and who may put them there. Nothing at all where the stack takes none.

    AWS makes a bucket and a key in its own time. Nothing waits for them but the steps that write them down on machines.
    """

    exported: Mapping[str, Output[str]] | None
    _store: SnapshotStore | None

    def __init__(self, name: str, site: Site, child: ResourceOptions) -> None:
        self._hours = site.plan.settings.backups.interval_hours
        self._store, self.exported = None, None
        if not site.plan.settings.backups.enabled:
            return
        self._store = SnapshotStore(name, site.plan, site.tags, child)
        self.exported = {
            "bucket": self._store.bucket_name,
            "key": self._store.key_arn,
            "region": Output.from_input(site.account.region),
        }

    def delivered(self, machine: MachineIdentity, files: Files) -> Files:
        """What the step of a machine delivers, `files` being what it booted with: with a member of etcd, where its
        snapshots go. Its role may put them there."""
        store = self._store
        if store is None or not machine.planned.holds_member:
            return files
        # A policy of its own, since instances wait for the other one.
        aws.iam.RolePolicy(
            f"{machine.resource_name}-snapshots",
            role=machine.role.role_id,
            policy=Output.all(store.bucket_arn, store.key_arn).apply(lambda arns: policy(add_snapshots(*arns))),
            opts=ResourceOptions(parent=machine.role),
        )
        return Output.all(files, store.bucket_name, store.key_arn).apply(self._with_snapshots)

    def _with_snapshots(self, known: list[Any]) -> Any:
        files, bucket, key = known
        values = {"SNAPSHOT_BUCKET": bucket, "SNAPSHOT_KEY": key, "SNAPSHOT_HOURS": str(self._hours)}
        return with_environment(files, values)
