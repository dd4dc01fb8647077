"""What a stack may say about the API's endpoint and what runs in the cluster. Pure; read through model.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from components.settings import formats
from components.settings.about import about


@dataclass(frozen=True)
class ApiEndpointSettings:
    """How machines and operators reach the API servers."""

    load_balancer: bool = field(
        default=False,
        metadata=about(
            "An internal network load balancer in front of the API servers. If left out, there is one exactly when "
            "`controlPlane.count` is more than 1."
        ),
    )
    public: bool = field(
        default=False,
        metadata=about(
            "An internet-facing network load balancer for `access.apiCidrs`: for operators outside, when machines have "
            "no public addresses."
        ),
    )


@dataclass(frozen=True)
class AddonSettings:
    """What is installed in the cluster besides the network plugin."""

    metrics_server: bool = field(
        default=False, metadata=about("metrics-server: `kubectl top`, and the metrics that pod autoscaling uses.")
    )
    storage_class_provisioner: str = field(
        default="",
        metadata=about(
            "The provisioner of the default StorageClass, such as ebs.csi.aws.com. Empty means no "
            "default class. You install its driver: docs/aws.md says what it needs.",
            syntax=formats.PROVISIONER,
        ),
    )
    storage_class_parameters: Mapping[str, str] = field(
        default_factory=dict,
        metadata=about(
            "Parameters of the default StorageClass, such as `type: gp3`.",
            maximum=50,
            syntax=formats.ARGUMENT_VALUE,
            key_syntax=formats.CLASS_PARAMETER,
        ),
    )
