"""Security groups, routes to the internet and public addresses as one nftables ruleset (pure).

A packet between machines passes the sender's egress rules and then the receiver's ingress rules; answers of
an allowed connection always pass. Metadata and DNS are exempt from security groups, as on EC2.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sandbox.cloud.addresses import INTERNET_ADDRESS, METADATA_ADDRESS, RESOLVER_ADDRESS

TABLE = "inet quorate"
_PROTOCOLS = {"6": "tcp", "17": "udp", "1": "icmp", "tcp": "tcp", "udp": "udp", "icmp": "icmp"}


class NotModelled(Exception):
    """The account holds a rule that the sandbox cannot enforce; the message names it."""


@dataclass(frozen=True)
class Rule:
    """One allowance: `protocol` as EC2 has it ("-1" is all), ports inclusive, peers by CIDR or by machine address."""

    protocol: str
    from_port: int | None
    to_port: int | None
    peers: tuple[str, ...]


@dataclass(frozen=True)
class Port:
    """One machine's attachment: what it may say, hear, and be reached by."""

    interface: str
    address: str
    public_address: str | None
    reaches_internet: bool
    source_check: bool
    ingress: tuple[Rule, ...]
    egress: tuple[Rule, ...]


def ruleset(ports: Sequence[Port], resolver_addresses: Iterable[str]) -> str:
    """The text for `nft -f`: replaces the whole table in one transaction."""
    resolvers = ", ".join(sorted({RESOLVER_ADDRESS, *resolver_addresses}))
    lines = [f"table {TABLE}", f"delete table {TABLE}", f"table {TABLE} {{"]
    for port in ports:
        lines += _chain(f"in-{port.interface}", "saddr", port.ingress, "accept")
        lines += _chain(f"out-{port.interface}", "daddr", port.egress, "return")
    lines += [
        "  chain forward { type filter hook forward priority filter; policy drop;",
        "    ct state established,related accept",
        "    ct state invalid drop",
        *_source_checks(ports),
        *(f'    iifname "{port.interface}" jump out-{port.interface}' for port in ports),
        *(f'    oifname "{port.interface}" goto in-{port.interface}' for port in ports),
        "  }",
        "  chain input { type filter hook input priority filter; policy drop;",
        '    iifname "lo" accept',
        "    ct state established,related accept",
        *_source_checks(ports),
        f"    ip daddr {METADATA_ADDRESS} tcp dport 80 accept",
        f"    ip daddr {{ {resolvers} }} meta l4proto {{ tcp, udp }} th dport 53 accept",
        "    icmp type echo-request accept",
        *(f'    iifname "{port.interface}" jump out-{port.interface}' for port in ports),
        *(
            f'    iifname "{port.interface}" ip daddr {INTERNET_ADDRESS} accept'
            for port in ports
            if port.reaches_internet
        ),
        "  }",
        "  chain prerouting { type nat hook prerouting priority dstnat;",
        *(f"    ip daddr {port.public_address} dnat ip to {port.address}" for port in ports if port.public_address),
        "  }",
        "  chain postrouting { type nat hook postrouting priority srcnat;",
        *(
            f"    ip saddr {port.address} ct status dnat snat ip to {port.public_address}"
            for port in ports
            if port.public_address
        ),
        "  }",
        "}",
    ]
    return "\n".join(lines) + "\n"


def _source_checks(ports: Sequence[Port]) -> list[str]:
    return [f'    iifname "{port.interface}" ip saddr != {port.address} drop' for port in ports if port.source_check]


def _chain(name: str, side: str, rules: Sequence[Rule], verdict: str) -> list[str]:
    allowed = [f"    {match} {verdict}" for rule in rules for match in _matches(rule, side)]
    return [f"  chain {name} {{", *allowed, "    drop", "  }"]


def _matches(rule: Rule, side: str) -> list[str]:
    if not rule.peers:
        return []
    peers = f"ip {side} {{ {', '.join(_without_overlap(rule.peers))} }}"
    if rule.protocol == "-1":
        return [peers]
    if rule.protocol == "4":
        return [f"{peers} ip protocol 4"]
    name = _PROTOCOLS.get(rule.protocol)
    if name is None:
        raise NotModelled(
            f"security group rule for protocol {rule.protocol!r}: the sandbox enforces tcp, udp, icmp, 4 and -1"
        )
    if name == "icmp":
        kind = "" if rule.from_port in (None, -1) else f" icmp type {rule.from_port}"
        code = "" if rule.to_port in (None, -1) or not kind else f" icmp code {rule.to_port}"
        return [f"{peers} ip protocol icmp{kind}{code}"]
    if rule.from_port is None or rule.to_port is None:
        return [f"{peers} ip protocol {name}"]
    return [f"{peers} {name} dport {rule.from_port}-{rule.to_port}"]


def _without_overlap(peers: Iterable[str]) -> list[str]:
    """nft refuses an anonymous set of overlapping intervals: keep the widest of each."""
    return [str(network) for network in ipaddress.collapse_addresses(ipaddress.IPv4Network(peer) for peer in peers)]
