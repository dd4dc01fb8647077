"""Links: the host to the region, the region to each machine.

A VPC has no broadcast domain that machines share. Here too: every machine hangs on a link of its own, the
region routes to it by a /32, and answers address resolution for everybody else. So each packet between two
machines passes the firewall, also within one subnet.
"""

from __future__ import annotations

import ipaddress
import json
from dataclasses import dataclass

from sandbox.cloud import namespace
from sandbox.cloud.addresses import (
    HOST_LINK,
    INTERNET_ADDRESS,
    METADATA_ADDRESS,
    MTU,
    NAMESPACE,
    OPERATOR_ADDRESS,
    OPERATOR_GATEWAY,
    PUBLIC_POOL,
    RESOLVER_ADDRESS,
    STORAGE_ADDRESS,
)
from sandbox.cloud.namespace import run, write_sysctl

MACHINE_PREFIX = "quorate-i-"


@dataclass(frozen=True)
class MachineLink:
    """How one machine hangs on the region. `subnet` is the CIDR of its subnet, `mac` its interface's address."""

    instance_id: str
    address: str
    subnet: str
    mac: str

    @property
    def namespace(self) -> str:
        return f"quorate-{self.instance_id}"

    @property
    def interface(self) -> str:
        return link_name(self.instance_id)


def link_name(instance_id: str) -> str:
    """Name of the region's end of a machine's link (at most 15 characters, the kernel's limit)."""
    return "q" + instance_id.removeprefix("i-")[-14:]


def connect_region() -> None:
    """Makes the region's namespace and the host's link to it; harmless when they are there."""
    namespace.create(NAMESPACE)
    for key, value in (("net.ipv4.ip_forward", "1"), ("net.ipv4.conf.all.rp_filter", "0")):
        write_sysctl(NAMESPACE, key, value)
    for address in (METADATA_ADDRESS, RESOLVER_ADDRESS, INTERNET_ADDRESS, STORAGE_ADDRESS):
        run("ip", "-n", NAMESPACE, "address", "replace", f"{address}/32", "dev", "lo")
    if not _host_has_link():
        _add_link(["ip"], HOST_LINK, "operator", NAMESPACE)
    run("ip", "-n", NAMESPACE, "link", "set", "operator", "mtu", str(MTU), "up")
    run("ip", "-n", NAMESPACE, "address", "replace", f"{OPERATOR_GATEWAY}/30", "dev", "operator")
    # Answers to a machine that is seen under a public address need some route before they are translated back.
    run("ip", "-n", NAMESPACE, "route", "replace", PUBLIC_POOL, "dev", "lo")
    run("ip", "address", "replace", f"{OPERATOR_ADDRESS}/30", "dev", HOST_LINK)
    run("ip", "link", "set", HOST_LINK, "up")
    run("ip", "route", "replace", PUBLIC_POOL, "via", OPERATOR_GATEWAY, "dev", HOST_LINK, "src", OPERATOR_ADDRESS)


def disconnect_region() -> None:
    """Removes the region's namespace; the host's link and route go with it."""
    if _host_has_link():
        run("ip", "link", "delete", HOST_LINK)
    namespace.delete(NAMESPACE)


def connect_machine(link: MachineLink) -> None:
    """Makes the machine's namespace with eth0 configured; harmless when it is there."""
    if not namespace.exists(link.namespace):
        namespace.create(link.namespace)
    if not _region_has_link(link.interface):
        _add_link(["ip", "-n", NAMESPACE], link.interface, "eth0", link.namespace)
    run("ip", "-n", link.namespace, "link", "set", "eth0", "address", link.mac, "mtu", str(MTU), "up")
    network = ipaddress.ip_network(link.subnet)
    run("ip", "-n", link.namespace, "address", "replace", f"{link.address}/{network.prefixlen}", "dev", "eth0")
    run("ip", "-n", link.namespace, "route", "replace", "default", "via", str(network[1]), "dev", "eth0")
    run("ip", "-n", NAMESPACE, "link", "set", link.interface, "up")
    run("ip", "-n", NAMESPACE, "address", "replace", f"{network[1]}/32", "dev", "lo")
    run("ip", "-n", NAMESPACE, "route", "replace", f"{link.address}/32", "dev", link.interface)
    write_sysctl(NAMESPACE, f"net.ipv4.conf.{link.interface}.proxy_arp", "1")
    write_sysctl(NAMESPACE, f"net.ipv4.neigh.{link.interface}.proxy_delay", "0")


def disconnect_machine(instance_id: str) -> None:
    # In this order: the kernel takes the link of a deleted namespace away in its own time.
    if namespace.exists(NAMESPACE) and _region_has_link(link_name(instance_id)):
        run("ip", "-n", NAMESPACE, "link", "delete", link_name(instance_id))
    namespace.delete(f"quorate-{instance_id}")


def connected_machines() -> list[str]:
    """Ids of all machines that have a namespace on this host."""
    return ["i-" + name.removeprefix(MACHINE_PREFIX) for name in namespace.names_with_prefix(MACHINE_PREFIX)]


def serve_vpc_resolver(address: str) -> None:
    """Makes the VPC's own resolver address (its network plus two) one of the region's."""
    run("ip", "-n", NAMESPACE, "address", "replace", f"{address}/32", "dev", "lo")


def _add_link(ip: list[str], name: str, peer: str, peer_namespace: str) -> None:
    ends = (name, "mtu", str(MTU), "type", "veth", "peer", "name", peer, "netns", peer_namespace)
    run(*ip, "link", "add", *ends)


def _host_has_link() -> bool:
    return _has_link(["ip"], HOST_LINK)


def _region_has_link(name: str) -> bool:
    return _has_link(["ip", "-n", NAMESPACE], name)


def _has_link(ip: list[str], name: str) -> bool:
    shown = run(*ip, "-j", "link", "show", "type", "veth")
    return any(link["ifname"] == name for link in json.loads(shown or "[]"))
