"""Tags. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Tags:
    """The tags of a cluster's resources: what the stack says, the cluster, and the resource's own name."""

    cluster: str
    common: Mapping[str, str]

    def named(self, name: str) -> dict[str, str]:
        return {**self.common, "quorate:cluster": self.cluster, "Name": f"{self.cluster}-{name}"}
