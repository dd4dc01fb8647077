"""Ports, by the service that listens. Pure; read on machines, too, so it imports the standard library only."""

from __future__ import annotations

from typing import Final

SSH: Final = 22
DNS: Final = 53
HTTP: Final = 80
HTTPS: Final = 443
API: Final = 6443
ETCD_CLIENTS: Final = 2379
ETCD_PEERS: Final = 2380
ETCD_METRICS: Final = 2381
KUBELET: Final = 10250
KUBELET_HEALTH: Final = 10248
FLANNEL_VXLAN: Final = 8472
CALICO_VXLAN: Final = 4789
