"""The labels that nodes register with: where they stand, what machine they are, which pool they belong to. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from components.settings.formats import ZONE_OF_THE_MACHINE
from components.settings.model import TaintEffect, WorkerPoolSettings

POOL_LABEL = "quorate/pool"
# Of pools that keep pods away unless they tolerate a taint. Cluster DNS looks at it: see share/patches.
DEDICATED_LABEL = "quorate/dedicated"
INSTANCE_TYPE_LABEL = "node.kubernetes.io/instance-type"
REGION_LABEL = "topology.kubernetes.io/region"
ZONE_LABEL = "topology.kubernetes.io/zone"


@dataclass(frozen=True)
class Place:
    """Where a machine stands, by AWS's names."""

    region: str
    zone: str


def place_labels(place: Place, instance_type: str) -> Mapping[str, str]:
    """What a cloud's controller manager would say of a node; without one, its kubelet does."""
    return {INSTANCE_TYPE_LABEL: instance_type, REGION_LABEL: place.region, ZONE_LABEL: place.zone}


def pool_labels(pool: WorkerPoolSettings, region: str) -> Mapping[str, str]:
    """The labels of a pool's nodes, with a mark for the zone, which each machine knows itself."""
    keeps_pods_away = any(taint.effect is not TaintEffect.PREFER_NO_SCHEDULE for taint in pool.taints)
    return {
        **pool.labels,
        POOL_LABEL: pool.name,
        **({DEDICATED_LABEL: "true"} if keeps_pods_away else {}),
        **place_labels(Place(region, ZONE_OF_THE_MACHINE), pool.instance_type),
    }


def label_arguments(labels: Mapping[str, str]) -> list[Mapping[str, str]]:
    """The labels as arguments of the kubelet, which adds them up: a line each, so a change shows as one line."""
    return [{"name": "node-labels", "value": f"{key}={value}"} for key, value in sorted(labels.items())]
