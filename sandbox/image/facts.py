"""What the host's kernel lets a machine do; found out once, when the image is built."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from sandbox.host import bounding_set

_CAP_SYS_RESOURCE = 24


@dataclass(frozen=True)
class Facts:
    """Differences between a machine on this host and an EC2 instance, as far as Kubernetes meets them.

    `unified_cgroups`: cgroup version 2 alone. `raises_limits`: processes may lower their OOM score and raise
    resource limits. `kernel_config`: the file that says how the kernel was built, empty where there is none.
    `bridge_filter`: bridged packets can be shown to iptables. `swap`: the host swaps, which a machine cannot turn off.
    """

    unified_cgroups: bool
    raises_limits: bool
    kernel_config: str
    bridge_filter: bool
    swap: bool

    @property
    def plain(self) -> bool:
        """Whether a machine here is, to Kubernetes, like any other Linux host."""
        can = (self.unified_cgroups, self.raises_limits, bool(self.kernel_config), self.bridge_filter)
        return all(can) and not self.swap


def detect(root: Path = Path("/")) -> Facts:
    """Reads the facts of the host from /proc and /sys below `root`."""
    configs = ("/proc/config.gz", f"/boot/config-{os.uname().release}")
    return Facts(
        unified_cgroups=(root / "sys/fs/cgroup/cgroup.controllers").exists(),
        raises_limits=bool(bounding_set((root / "proc/self/status").read_text()) >> _CAP_SYS_RESOURCE & 1),
        kernel_config=next((path for path in configs if (root / path.lstrip("/")).exists()), ""),
        bridge_filter=(root / "proc/sys/net/bridge/bridge-nf-call-iptables").exists(),
        swap=len((root / "proc/swaps").read_text().splitlines()) > 1,
    )
