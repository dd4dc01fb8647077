"""Ports, by the service that listens. Pure; read on machines, too, so it imports the standard library only."""

from __future__ import annotations

SSH = 22
DNS = 53
HTTP = 80
HTTPS = 443
API = 6443
ETCD_CLIENTS = 2379
ETCD_PEERS = 2380
ETCD_METRICS = 2381
KUBELET = 10250
KUBELET_HEALTH = 10248
FLANNEL_VXLAN = 8472
CALICO_VXLAN = 4789
CALICO_HEALTH = 9099
