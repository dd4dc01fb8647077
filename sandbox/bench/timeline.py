"""The time of one `pulumi up --stack education`, cut at the moments that matter. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from sandbox.bench.events import Moment, begun, finished, said

_INSTANCE = "aws:ec2/instance:Instance"
_COMMAND = "command:remote:Command"

BEFORE_INSTANCE = "network and all else before the instance"
INSTANCE = "instance, until the provider sees it running"
PREPARATION = "what is left of boot and preparation then"
VOLUME = "etcd volume, until the provider attaches it"
KUBEADM = "kubeadm init, until the API is ready"
NETWORK_PLUGIN = "network plugin, until the node is Ready"
SYSTEM_PODS = "system pods, DNS and the API's Service"
SMOKE = "smoke workload and its Service"
ENDING = "the engine's end"
WITHIN_KUBEADM = (KUBEADM, NETWORK_PLUGIN, SYSTEM_PODS)
"""The parts that are done by hand, too."""


def parts(start: float, moments: Sequence[Moment], end: float) -> Mapping[str, float]:
    """Seconds by part; they add up to the whole. Raises MomentMissing where the log lacks one."""
    marks = [
        ("", start),
        (BEFORE_INSTANCE, begun(moments, _INSTANCE, "-control-plane-0-instance")),
        (INSTANCE, finished(moments, _INSTANCE, "-control-plane-0-instance")),
        (PREPARATION, said(moments, "-control-plane-0-configure", "prepare-machine: done")),
        (VOLUME, said(moments, "-control-plane-0-configure", "kubeadm init, Kubernetes")),
        (KUBEADM, said(moments, "-control-plane-0-configure", "the control plane is up")),
        (NETWORK_PLUGIN, said(moments, "-ready", " is Ready")),
        (SYSTEM_PODS, finished(moments, _COMMAND, "-ready")),
        (SMOKE, finished(moments, _COMMAND, "-service")),
        (ENDING, end),
    ]
    return {name: at - before for (_, before), (name, at) in pairwise(marks)}
