"""quorate-node STEP [ARGUMENT…]: the program that runs on machines. Beside the standard library only PyYAML."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping, Sequence

# A step and where it is: each module has `main(arguments) -> exit code`. A machine has only the modules of its role.
STEPS: Mapping[str, str] = {
    "receive-files": "boot.receive_files",
    "mount-etcd-volume": "boot.etcd_volume",
    "configure-etcd-member": "etcd.configure",
    "defragment-etcd": "etcd.defragment",
    "take-snapshot": "etcd.snapshot.take",
    "verify-snapshot": "etcd.snapshot.verify",
    "restore": "restore.step",
    "observe": "observed.machine",
    "observe-cluster": "observed.cluster",
    "wait-restored": "control_plane.restored",
    "configure-control-plane": "control_plane.configure",
    "follow-load-balancer": "control_plane.endpoint_name",
    "renew-api-certificate": "control_plane.api_certificate",
    "apply-network-plugin": "control_plane.network_plugin",
    "wait-ready": "control_plane.readiness",
    "check-service": "control_plane.service_check",
    "renew-join-credentials": "control_plane.join_credentials",
    "tend-workers": "control_plane.workers",
    "join-worker": "worker.join",
}


def main(arguments: Sequence[str]) -> int:
    if not arguments or arguments[0] not in STEPS:
        print(f"usage: quorate-node STEP [ARGUMENT...]; a STEP is one of: {', '.join(STEPS)}", file=sys.stderr)
        return 2
    step = importlib.import_module(f"components.node.{STEPS[arguments[0]]}")
    result: int = step.main(arguments[1:])
    return result


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
