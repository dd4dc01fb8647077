"""Security groups, routes to the internet and public addresses as one nftables ruleset (pure).

A packet between machines passes the sender's egress rules and then the receiver's ingress rules; answers of
an allowed connection always pass. Metadata and DNS are exempt from security groups, as on EC2.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sandbox.cloud.addresses import INTERNET_ADDRESS, METADATA_ADDRESS, OPERATOR_LINK, RESOLVER_ADDRESS, STORAGE_ADDRESS

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
    seen_as: str | None
    """The address under which the internet sees it, its own or a NAT gateway's; None where it reaches nothing there."""
    reaches_storage: bool
    """Whether a gateway endpoint leads it to S3, whatever else it reaches."""
    source_check: bool
    ingress: tuple[Rule, ...]
    egress: tuple[Rule, ...]


@dataclass(frozen=True)
class Node:
    """An address of a load balancer: the region's own, and under security groups like a machine's."""

    name: str
    address: str
    public_address: str | None
    ingress: tuple[Rule, ...]
    egress: tuple[Rule, ...]


def ruleset(ports: Sequence[Port], resolver_addresses: Iterable[str], nodes: Sequence[Node] = ()) -> str:
    """The text for `nft -f`: replaces the whole table in one transaction."""
    resolvers = ", ".join(sorted({RESOLVER_ADDRESS, *resolver_addresses}))
    lines = [f"table {TABLE}", f"delete table {TABLE}", f"table {TABLE} {{"]
    ends: list[tuple[str, Port | Node]] = [(port.interface, port) for port in ports]
    for name, end in [*ends, *((node.name, node) for node in nodes)]:
        lines += _chain(f"in-{name}", "saddr", end.ingress, "accept")
        lines += _chain(f"out-{name}", "daddr", end.egress, "return")
    lines += [
        "  chain forward { type filter hook forward priority filter; policy drop;",
        "    ct state established,related accept",
        "    ct state invalid drop",
        *_source_checks(ports),
        *(f'    iifname "{port.interface}" ct status dnat drop' for port in ports if port.seen_as is None),
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
            f'    iifname "{port.interface}" ip daddr {{ {", ".join(outside)} }} accept'
            for port in ports
            if (outside := _outside(port))
        ),
        *_to_nodes(ports, nodes),
        "  }",
        *_from_nodes(ports, nodes),
        "  chain prerouting { type nat hook prerouting priority dstnat;",
        *(
            f"    ip daddr {public} dnat ip to {private}"
            for public, private in (
                *((port.public_address, port.address) for port in ports),
                *((node.public_address, node.address) for node in nodes),
            )
            if public
        ),
        "  }",
        "  chain postrouting { type nat hook postrouting priority srcnat;",
        *(f"    ip saddr {port.address} ct status dnat snat ip to {port.seen_as}" for port in ports if port.seen_as),
        "  }",
        # Connections that end in the region's own namespace, as those to the internet do, pass this hook alone.
        "  chain internet { type nat hook input priority 100;",
        *(
            f"    ip saddr {port.address} ip daddr {INTERNET_ADDRESS} snat ip to {port.seen_as}"
            for port in ports
            if port.seen_as
        ),
        *(
            f"    ip saddr {port.address} ip daddr {_set(node.address for node in public)} ct status dnat "
            f"snat ip to {port.seen_as}"
            for port in ports
            if port.seen_as and (public := _public(nodes))
        ),
        "  }",
        "}",
    ]
    return "\n".join(lines) + "\n"


def _to_nodes(ports: Sequence[Port], nodes: Sequence[Node]) -> list[str]:
    """Rules for what comes to a load balancer. By its public address a machine comes as the internet sees it."""
    lines = []
    for port in ports if (public := _public(nodes)) else ():
        came = f'    iifname "{port.interface}" ct status dnat'
        for node in public if port.seen_as else ():
            as_seen = [replace(rule, peers=(port.address,)) for rule in node.ingress if _admits(rule, port.seen_as)]
            admitted = [match for rule in as_seen for match in _matches(rule, "saddr")]
            lines += [f"{came} ip daddr {node.address} {match} accept" for match in admitted]
        lines.append(f"{came} drop")
    for node in nodes:
        # The operator's host has no way into a VPC but by public addresses.
        lines.append(f'    iifname "{OPERATOR_LINK}" ip daddr {node.address} ct status dnat goto in-{node.name}')
        lines.append(f'    iifname != "{OPERATOR_LINK}" ip daddr {node.address} goto in-{node.name}')
    return lines


def _from_nodes(ports: Sequence[Port], nodes: Sequence[Node]) -> list[str]:
    """The chain for what a load balancer sends: to its targets, past their rules as from any other sender."""
    if not nodes:
        return []
    senders = _set(node.address for node in nodes)
    return [
        "  chain output { type filter hook output priority filter; policy accept;",
        "    ct state established,related accept",
        *(f"    ip saddr {node.address} jump out-{node.name}" for node in nodes),
        *(f'    ip saddr {senders} oifname "{port.interface}" goto in-{port.interface}' for port in ports),
        f"    ip saddr {senders} drop",
        "  }",
    ]


def _public(nodes: Sequence[Node]) -> list[Node]:
    return [node for node in nodes if node.public_address]


def _admits(rule: Rule, address: str | None) -> bool:
    return address is not None and any(
        ipaddress.IPv4Address(address) in ipaddress.IPv4Network(peer) for peer in rule.peers
    )


def _set(items: Iterable[str]) -> str:
    return "{ " + ", ".join(items) + " }"


def _outside(port: Port) -> tuple[str, ...]:
    """The addresses outside the VPC that the machine reaches."""
    if port.seen_as:
        return (INTERNET_ADDRESS, STORAGE_ADDRESS)
    return (STORAGE_ADDRESS,) if port.reaches_storage else ()


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
