"""Takes the etcd member that stands for this machine out of the cluster: what a lost disk or a cut-off join left."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from components.node.common import log
from components.node.common.environment import ETC
from components.node.common.minted_certificate import RUN, minted_certificate
from components.node.common.programs import run
from components.node.common.waiting import wait_until
from components.node.etcd.client import EtcdClient, client_url
from components.node.etcd.member_changes import remove_member
from components.node.etcd.membership import member_at

MANIFEST = Path("/etc/kubernetes/manifests/etcd.yaml")


def leave_etcd(
    machine: str,
    address: str,
    others: Sequence[str],
    *,
    authority: Path = ETC / "pki" / "etcd" / "ca",
    manifest: Path = MANIFEST,
    run_folder: Path = RUN,
) -> None:
    """Returns when none of the control planes at `others` knows a member at `address` any more.

    `authority` is that of etcd, without .crt and .key. Raises Failure where they don't answer or have no quorum.
    """
    with minted_certificate(authority, f"/CN={machine}-leaves", run_folder) as trust:
        client = EtcdClient(trust, [client_url(other) for other in others])
        members = wait_until(300, f"an etcd member among {', '.join(others)} that answers", client.members)
        member = member_at(members, address)
        if member is None:
            return
        # Of two members the other one can agree to nothing alone: this one's vote is needed to remove it.
        if manifest.exists():
            run(["systemctl", "start", "kubelet"])
        log.report(f"removing etcd member {member}, which stood for this machine")
        remove_member(client, address, 120)
