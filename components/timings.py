"""Times that depend on each other: what the load balancer needs to notice, and who waits for it. Pure; in seconds.

A network load balancer asks each API server every INTERVAL whether it is ready and believes the answer when it came
THRESHOLD times in a row. Its nodes act on that later, and until then they go on sending connections. So an API server
that must stop serves, not ready, for that long; then it answers what it has taken, and the kubelet gives it the time
for both. A machine whose API server has come back lets the next one stop when its target is healthy: while that one
still serves, the load balancer begins to use this one again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class HealthCheck:
    """How a load balancer asks its targets. Thresholds are numbers of equal answers in a row."""

    interval: int
    timeout: int
    healthy_threshold: int
    unhealthy_threshold: int

    @property
    def notices_after(self) -> int:
        """The longest that a change of health goes unnoticed: the change comes just after a check."""
        return self.interval * max(self.healthy_threshold, self.unhealthy_threshold)


# The shortest that AWS takes (https://docs.aws.amazon.com/elasticloadbalancing/latest/network/target-group-health-checks.html).
API_HEALTH_CHECK: Final = HealthCheck(interval=5, timeout=4, healthy_threshold=2, unhealthy_threshold=2)

# From a target's change of health until no node of the load balancer goes by the old one. AWS promises nothing: 30 to
# 40 s were seen, and about 120 s (aws/containers-roadmap#470); OpenShift's API servers wait 129 s for it on AWS
# (openshift/cluster-kube-apiserver-operator#1079).
_SPREADS: Final = 120
# A check's own way, and that of the answer.
_MARGIN: Final = 2
LOAD_BALANCER_NOTICES: Final = API_HEALTH_CHECK.notices_after + _SPREADS + _MARGIN

# `--shutdown-delay-duration` of an API server behind a load balancer: it serves on, not ready, until that has noticed.
API_SHUTDOWN_DELAY: Final = LOAD_BALANCER_NOTICES
# `--shutdown-watch-termination-grace-period`: then its watches end, spread over so long, as those that may be resumed.
API_WATCHES_END: Final = 15
# Then it answers what it has taken; --request-timeout is its longest.
_API_ANSWERS: Final = 60

# The kubelet kills a pod that has not ended so long after it was asked to, unless its manifest says otherwise.
POD_GRACE: Final = 30


def api_grace(delay: float = API_SHUTDOWN_DELAY) -> int:
    """Seconds that an API server behind a load balancer has from the request to stop until it is killed."""
    return math.ceil(delay) + _API_ANSWERS + _MARGIN


# A registered target is checked for the first time, and then used, after 3 to 5 minutes
# (kubernetes-sigs/aws-load-balancer-controller#1834).
TARGET_BECOMES_HEALTHY: Final = 600

# The kubelet's graceful shutdown of a machine: ordinary pods first, then critical ones, the API server among them.
SHUTDOWN_GRACE_FOR_CRITICAL_PODS: Final = 15
SHUTDOWN_GRACE: Final = 60
# Behind a load balancer etcd, if it is beside the API server, ends after that. EC2 turns a machine off the hard way
# when it has not shut down after four minutes, which all three together stay below.
SHUTDOWN_GRACE_FOR_API_SERVER: Final = API_SHUTDOWN_DELAY + 30

# How long a deregistered target's connections may go on before they are closed.
DEREGISTRATION_DELAY: Final = 30

# Auto Scaling waits so long for the end of a drain, and for a new machine to be Ready: more than the machine itself
# waits for its cluster, twice (worker/join.py).
DRAIN: Final = 300
JOIN: Final = 1800
