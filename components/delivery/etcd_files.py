"""What a machine of an external etcd gets: its files, and its keys. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from components.delivery.node_files import ETC, NodeFile, environment_file, role_files
from components.kubeadm.documents import ETCD_DATA
from components.plan import Plan, PlannedMachine, Role
from components.ports import ETCD_CLIENTS, ETCD_METRICS, ETCD_PEERS

PKI = "/etc/etcd/pki"


def etcd_member_files(plan: Plan, machine: PlannedMachine, volume_id: str) -> tuple[NodeFile, ...]:
    """Everything that a member needs and that is no secret."""
    settings = plan.settings
    peers = (address for name, address in sorted(plan.etcd_addresses.items()) if name != machine.name)
    environment = {
        "ROLE": Role.ETCD,
        "CLUSTER_NAME": settings.cluster.name,
        "MACHINE_NAME": machine.name,
        "NODE_ADDRESS": machine.address,
        "PEER_ADDRESSES": " ".join(peers),
        "ETCD_VERSION": settings.etcd.version,
        "ETCD_SHA256": settings.etcd.sha256,
        "ETCD_VOLUME_ID": volume_id,
        "ETCD_VOLUME_GIB": str(machine.etcd_volume_gib),
        # Nothing on the machine reads it: AWS stops a machine to change its type, so the step that waits until it
        # serves runs again.
        "INSTANCE_TYPE": machine.instance_type,
    }
    return (
        *role_files(Role.ETCD, etcd_volume=True),
        environment_file(environment),
        NodeFile(f"{ETC}/etcd.env", _etcd_environment(plan, machine), needed_at_boot=False),
    )


def etcd_member_keys(pems: Mapping[str, str]) -> tuple[NodeFile, ...]:
    """Where a member keeps its keys, by path."""
    return tuple(NodeFile(f"{ETC}/pki/{path}", pems[path], "0600") for path in sorted(pems))


def _etcd_environment(plan: Plan, machine: PlannedMachine) -> str:
    """etcd's own configuration, as it reads it from its environment."""
    settings, address = plan.settings, machine.address
    members = sorted(plan.etcd_addresses.items())
    values = {
        "NAME": machine.name,
        "DATA_DIR": ETCD_DATA,
        "INITIAL_CLUSTER": ",".join(f"{name}=https://{ip}:{ETCD_PEERS}" for name, ip in members),
        "INITIAL_CLUSTER_TOKEN": settings.cluster.name,
        "INITIAL_ADVERTISE_PEER_URLS": f"https://{address}:{ETCD_PEERS}",
        "ADVERTISE_CLIENT_URLS": f"https://{address}:{ETCD_CLIENTS}",
        "LISTEN_PEER_URLS": f"https://{address}:{ETCD_PEERS}",
        "LISTEN_CLIENT_URLS": f"https://{address}:{ETCD_CLIENTS},https://127.0.0.1:{ETCD_CLIENTS}",
        "LISTEN_METRICS_URLS": f"http://127.0.0.1:{ETCD_METRICS}",
        "HEARTBEAT_INTERVAL": str(settings.etcd.heartbeat_interval_ms),
        "ELECTION_TIMEOUT": str(settings.etcd.election_timeout_ms),
        "QUOTA_BACKEND_BYTES": str(settings.etcd.quota_bytes),
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
