"""Two API servers, and the load balancers before them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.cloud.balancer.balancers import Balancers
from sandbox.cloud.balancer.health import Health
from sandbox.cloud.balancer.view import BalancerView, TargetGroupView, TargetHealth
from sandbox.tests.cloud.balancer.api_servers import ApiServer, eventually


@dataclass
class Region:
    """`servers` by address, the first before the second; `faults` are those of the load balancers."""

    network: str
    folder: Path
    servers: Mapping[str, ApiServer]
    balancer: BalancerView
    group: TargetGroupView
    faults: set[str] = field(default_factory=set)
    balancers: Balancers | None = None
    health: dict[str, TargetHealth] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)

    def start(self) -> Balancers:
        self.balancers = Balancers(self.folder, self.network, self.learn, self.said.append, lambda: self.faults)
        self.balancers.start()
        return self.balancers

    def learn(self, health: Health) -> None:
        self.health = {target: told for (_, target), told in health.items()}

    def follow(self, balancer: BalancerView | None = None, group: TargetGroupView | None = None) -> None:
        (self.balancers or self.start()).follow((balancer or self.balancer,), (group or self.group,))

    def states(self) -> dict[str, str]:
        return {target: told.state for target, told in self.health.items()}

    def wait(self, first: str, second: str) -> None:
        expected = dict(zip(self.servers, (first, second), strict=True))
        eventually(lambda: self.states() == expected, f"health {expected}, said {self.said}")
