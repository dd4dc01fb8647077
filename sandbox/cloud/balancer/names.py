"""Names of load balancers: which addresses they have, and which of them are given out."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Callable, Collection, Iterable

from sandbox.cloud.balancer.config import HEALTH_PORT
from sandbox.cloud.balancer.view import BalancerView, NodeView
from sandbox.cloud.namespace import entered

TTL_SECONDS = 60
_PROBE_SECONDS = 10.0
_TIMEOUT_SECONDS = 2.0
_THRESHOLD = 3
"""Probes alike until a node's address is given out no longer, or again: Route 53's own measure."""
_PROBER = "127.0.0.1"
"""Not an address of a node: what nodes send, the firewall judges by their security groups."""

Addresses = list[tuple[str, int, str]]


def is_balancers_name(name: str) -> bool:
    return name.endswith(".amazonaws.com") and ".elb." in name


def addresses_of(balancers: Iterable[BalancerView], name: str, silent: Collection[str]) -> Addresses | None:
    """The A records of a load balancer's name, or of its name in one zone (ZONE.NAME); None where there is none.

    `silent` are nodes that do not answer, or have no healthy target: they are left out, unless they all are.
    """
    for balancer in balancers:
        dns_name = balancer.dns_name.lower()
        if name == dns_name:
            answering = [node for node in balancer.nodes if node.address not in silent]
            return _records(balancer, answering or balancer.nodes)
        if name.endswith("." + dns_name):
            zonal = [node for node in balancer.nodes if node.zone == name.removesuffix("." + dns_name)]
            return _records(balancer, zonal) or None
    return None


def _records(balancer: BalancerView, nodes: Iterable[NodeView]) -> Addresses:
    shown = [node.address if balancer.internal else node.public_address for node in nodes]
    return [("A", TTL_SECONDS, address) for address in shown if address]


class NodeProbes:
    """Asks each node for its health, as Route 53 does. `nodes` gives the addresses that there are now."""

    def __init__(self, network: str, nodes: Callable[[], Collection[str]], every: float = _PROBE_SECONDS) -> None:
        self._network = network
        self._nodes = nodes
        self._every = every
        self._streaks: dict[str, int] = {}
        self._silent: frozenset[str] = frozenset()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="node-probes", daemon=True)

    @property
    def silent(self) -> frozenset[str]:
        """Nodes whose addresses are not given out."""
        return self._silent

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()

    def _run(self) -> None:
        while not self._stopping.wait(self._every):
            nodes = sorted(self._nodes())
            silent = set(self._silent & set(nodes))
            for address in nodes:
                well = _is_well(self._network, address)
                # Positive while it is well, negative while it is not: how often in a row.
                streak = self._streaks.get(address, _THRESHOLD)
                self._streaks[address] = max(streak, 0) + 1 if well else min(streak, 0) - 1
                if self._streaks[address] <= -_THRESHOLD:
                    silent.add(address)
                elif self._streaks[address] >= _THRESHOLD:
                    silent.discard(address)
            self._silent = frozenset(silent)


def _is_well(network: str, address: str) -> bool:
    connection = http.client.HTTPConnection(address, HEALTH_PORT)
    try:
        with entered(network):
            opened = connection.sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        opened.settimeout(_TIMEOUT_SECONDS)
        opened.bind((_PROBER, 0))
        opened.connect((address, HEALTH_PORT))
        connection.request("GET", "/")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
