"""Makes a machine a member of the cluster's etcd: its files, its certificates, the service."""

from __future__ import annotations

from collections.abc import Mapping

from pulumi import ComponentResource, Output, Resource, ResourceOptions

from components.delivery.node_files import ETC, NodeFile, Role, environment_file, role_files
from components.delivery.remote import RemoteMachine
from components.delivery.steps import deliver_and_configure
from components.kubeadm.documents import ETCD_DATA, ETCD_QUOTA_BYTES
from components.settings.model import Settings

PKI = "/etc/etcd/pki"
CLIENT_PORT = 2379
PEER_PORT = 2380
METRICS_PORT = 2381


def etcd_member_files(
    settings: Settings, machine: str, private_address: str, volume_id: str, members: Mapping[str, str]
) -> tuple[NodeFile, ...]:
    """Everything that a member needs and that is no secret. Pure. `members` are the addresses of all, by name."""
    environment = {
        "ROLE": Role.ETCD,
        "CLUSTER_NAME": settings.cluster.name,
        "MACHINE_NAME": machine,
        "NODE_ADDRESS": private_address,
        "PEER_ADDRESSES": " ".join(address for name, address in sorted(members.items()) if name != machine),
        "ETCD_VERSION": settings.etcd.version,
        "ETCD_SHA256": settings.etcd.sha256,
        "ETCD_VOLUME_ID": volume_id,
        "ETCD_VOLUME_GIB": str(settings.etcd.volume_gib),
        # No script reads it: AWS stops a machine to change its type, so the step that waits until it serves runs again.
        "INSTANCE_TYPE": settings.etcd.instance_type,
    }
    return (
        *role_files(Role.ETCD, etcd_volume=True),
        environment_file(environment),
        NodeFile(f"{ETC}/etcd.env", _etcd_environment(settings, machine, members), needed_at_boot=False),
    )


def _etcd_environment(settings: Settings, machine: str, members: Mapping[str, str]) -> str:
    """etcd's own configuration, as it reads it from its environment."""
    address = members[machine]
    values = {
        "NAME": machine,
        "DATA_DIR": ETCD_DATA,
        "INITIAL_CLUSTER": ",".join(f"{name}=https://{ip}:{PEER_PORT}" for name, ip in sorted(members.items())),
        "INITIAL_CLUSTER_TOKEN": settings.cluster.name,
        "INITIAL_ADVERTISE_PEER_URLS": f"https://{address}:{PEER_PORT}",
        "ADVERTISE_CLIENT_URLS": f"https://{address}:{CLIENT_PORT}",
        "LISTEN_PEER_URLS": f"https://{address}:{PEER_PORT}",
        "LISTEN_CLIENT_URLS": f"https://{address}:{CLIENT_PORT},https://127.0.0.1:{CLIENT_PORT}",
        "LISTEN_METRICS_URLS": f"http://127.0.0.1:{METRICS_PORT}",
        "HEARTBEAT_INTERVAL": str(settings.etcd.heartbeat_interval_ms),
        "ELECTION_TIMEOUT": str(settings.etcd.election_timeout_ms),
        "QUOTA_BACKEND_BYTES": str(ETCD_QUOTA_BYTES),
        # The API server compacts every five minutes; this is for when none does.
        "AUTO_COMPACTION_MODE": "periodic",
        "AUTO_COMPACTION_RETENTION": "8h",
        "CERT_FILE": f"{PKI}/member.crt",
        "KEY_FILE": f"{PKI}/member.key",
        "TRUSTED_CA_FILE": f"{PKI}/ca.crt",
        "CLIENT_CERT_AUTH": "true",
        "PEER_CERT_FILE": f"{PKI}/member.crt",
        "PEER_KEY_FILE": f"{PKI}/member.key",
        "PEER_TRUSTED_CA_FILE": f"{PKI}/ca.crt",
        "PEER_CLIENT_CERT_AUTH": "true",
    }
    lines = "".join(f"ETCD_{name}={value}\n" for name, value in values.items())
    # A new version is a changed file, too: then the member restarts.
    return f"# etcd {settings.etcd.version}\n{lines}"


class EtcdMemberBootstrap(ComponentResource):
    """Delivers what a member needs and starts it. Complete when the cluster has a quorum and the member serves.

    The members of a new cluster need each other, so they must be made at the same time.
    """

    configured: Resource

    def __init__(
        self,
        name: str,
        machine: RemoteMachine,
        files: Output[tuple[NodeFile, ...]],
        pki: Mapping[str, Output[str]],
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("quorate:bootstrap:EtcdMemberBootstrap", name, None, opts)
        keys = Output.all(**pki).apply(
            lambda pems: tuple(NodeFile(f"{ETC}/pki/{path}", pems[path], "0600") for path in sorted(pems))
        )
        self.configured = deliver_and_configure(name, machine, keys, files, "configure-etcd-member.sh", parent=self)
        self.register_outputs({})
