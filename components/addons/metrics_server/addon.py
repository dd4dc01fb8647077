"""metrics-server: CPU and memory of nodes and pods, for `kubectl top` and the HorizontalPodAutoscaler. Pure."""

from __future__ import annotations

from components.addons.contract import AddOn

IMAGE = "registry.k8s.io/metrics-server/metrics-server:v0.9.0"
METRICS_SERVER = AddOn(
    "metrics_server", wanted=lambda plan: plan.settings.addons.metrics_server, images=lambda plan: (IMAGE,)
)
