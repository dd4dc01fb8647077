"""Times that depend on each other: what the load balancer needs to notice, and who waits for it. Pure; in seconds.

A network load balancer asks each API server every INTERVAL whether it is ready and believes the answer when it came
THRESHOLD times in a row. Until then it goes on sending connections, so an API server that must stop serves for
that long, its machine gives it that long, and a machine whose API server has come back lets the next one go only
after that long.
"""

from __future__ import annotations

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

# A check's own way, and that of the answer.
_MARGIN: Final = 2
LOAD_BALANCER_NOTICES: Final = API_HEALTH_CHECK.notices_after + _MARGIN

# `--shutdown-delay-duration` of an API server behind a load balancer: it serves on, not ready, until that has noticed.
API_SHUTDOWN_DELAY: Final = LOAD_BALANCER_NOTICES

# The kubelet kills a pod that has not ended so long after it was asked to, unless its manifest says otherwise.
POD_GRACE: Final = 30

# The kubelet's graceful shutdown of a machine: ordinary pods first, then critical ones, the API server among them.
SHUTDOWN_GRACE_FOR_CRITICAL_PODS: Final = 15
SHUTDOWN_GRACE: Final = 60

# How long a deregistered target's connections may go on before they are closed.
DEREGISTRATION_DELAY: Final = 30

# Auto Scaling waits so long for the end of a drain, and for a new machine to be Ready: more than the machine itself
# waits for its cluster, twice (worker/join.py).
DRAIN: Final = 300
JOIN: Final = 1800
