"""Stack files for tests: a small one that is accepted, and others made from it by changing single keys."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any, Final

import yaml

CHECKOUT: Final = Path(__file__).resolve().parents[3]
SMALL: Final[dict[str, Any]] = {
    "cluster": {"name": "small"},
    "access": {"sshCidrs": ["203.0.113.7/32"], "apiCidrs": ["203.0.113.7/32"]},
    "controlPlane": {"schedulable": True},
}
LARGE: Final[dict[str, Any]] = {
    "cluster": {"name": "large", "kubernetesVersion": "1.36.4", "containerdVersion": "2.3.7", "domain": "example.org"},
    "network": {
        "vpcCidr": "10.64.0.0/16",
        "zones": 3,
        "nat": "perZone",
        "podCidr": "100.64.0.0/11",
        "serviceCidr": "172.20.0.0/16",
        "interfaceEndpoints": ["ssm", "ecr.api"],
    },
    "access": {"sshCidrs": ["203.0.113.7/32"], "apiCidrs": ["203.0.113.0/24", "198.51.100.0/24"], "bastion": True},
    "apiEndpoint": {"loadBalancer": True, "public": True},
    "etcd": {
        "topology": "external",
        "members": 5,
        "instanceType": "m7i.large",
        "volumeGib": 100,
        "protectVolumes": True,
    },
    "controlPlane": {"count": 3, "instanceType": "m7i-flex.xlarge", "apiServerArguments": {"audit-log-maxage": "30"}},
    "kubelet": {"maxPods": 200, "containerLogMaxSize": "50Mi", "imageGcHighThresholdPercent": 90},
    "containers": {
        "registryMirrors": [
            {
                "registry": "registry.k8s.io",
                "endpoints": ["https://mirror.example.org", "https://b.example.org/v2/k8s"],
            },
            {"registry": "docker.io", "endpoints": ["https://hub.example.net/"]},
        ]
    },
    "workers": [
        {"name": "general", "instanceType": "m7i.2xlarge", "minimum": 3, "maximum": 4000},
        {
            "name": "batch",
            "instanceType": "u-6tb1.metal",
            "minimum": 0,
            "labels": {"example.org/purpose": "batch", "node.kubernetes.io/pool": "batch"},
            "taints": [{"key": "batch", "effect": "NoSchedule", "value": "only"}],
            "zones": [1, 3],
            "spot": True,
        },
    ],
    "networkPlugin": {"name": "calico", "version": "3.32.1"},
    "addons": {
        "metricsServer": True,
        "storageClassProvisioner": "ebs.csi.aws.com",
        "storageClassParameters": {"type": "gp3"},
    },
    "backups": {"enabled": True, "intervalHours": 1, "retentionDays": 90},
    "tags": {"cost-centre": "4711", "owner": "platform@example.org"},
}


def changed(base: dict[str, Any], **values: Any) -> dict[str, Any]:
    """A copy of a stack file with values at key paths, `__` for a dot: `etcd__members=4`, `workers__0__name="a"`."""
    stack: Any = copy.deepcopy(base)
    for path, value in values.items():
        *parents, last = re.split("__", path)
        place = stack
        for parent in parents:
            place = place[int(parent)] if parent.isdigit() else place.setdefault(parent, {})
        place[last] = value
    return dict(stack)


def committed(stack: str) -> dict[str, Any]:
    """The configuration of a stack file in the checkout."""
    text = (CHECKOUT / "stacks" / f"Pulumi.{stack}.yaml").read_text()
    return dict(yaml.safe_load(text)["config"])


def key_paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of everything inside a stack file."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [here for key, item in inner for here in ((*path, key), *key_paths(item, (*path, key)))]
