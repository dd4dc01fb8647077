"""Cluster DNS. kubeadm installs CoreDNS; this adds what keeps it answering while nodes are drained. Pure."""

from __future__ import annotations

from components.addons.contract import AddOn

CLUSTER_DNS = AddOn("cluster_dns", wanted=lambda plan: plan.has_several_nodes)
