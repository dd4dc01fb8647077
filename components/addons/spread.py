"""How the pods of an add-on stand apart."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi_kubernetes as kubernetes

from components.kubeadm.labels import ZONE_LABEL

_HOST_LABEL = "kubernetes.io/hostname"


def spread(labels: Mapping[str, str]) -> list[kubernetes.core.v1.TopologySpreadConstraintArgsDict]:
    """Pods with these labels in different zones, there on different nodes; where there is only one, it will do."""
    return [
        {
            "max_skew": 1,
            "topology_key": key,
            "when_unsatisfiable": "ScheduleAnyway",
            "label_selector": {"match_labels": labels},
        }
        for key in (ZONE_LABEL, _HOST_LABEL)
    ]
