"""The load balancer in front of the API servers. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from components import ports
from policies.model import Context, Finding, Resource, ResourceRule, Severity
from policies.values import UNKNOWN, is_false, is_true

TARGET_GROUP: Final = "aws:lb/targetGroup:TargetGroup"
LOAD_BALANCER: Final = "aws:lb/loadBalancer:LoadBalancer"


def _is_api(resource: Resource) -> bool:
    return resource.type == TARGET_GROUP and resource.get("port") == ports.API


def client_addresses_are_not_kept(resource: Resource, context: Context) -> Iterable[Finding]:
    kept = resource.get("preserveClientIp")
    if _is_api(resource) and kept is not UNKNOWN and not is_false(kept):
        yield Finding(
            f"{resource.name} preserves client addresses, or leaves that to the kind of target.",
            "set preserve_client_ip to false.",
            resource,
        )


def health_is_readyz(resource: Resource, context: Context) -> Iterable[Finding]:
    if not _is_api(resource) or resource.get("healthCheck") is UNKNOWN:
        return
    wrong = []
    protocol, path, port = (resource.get("healthCheck", key) for key in ("protocol", "path", "port"))
    if protocol is not UNKNOWN and protocol != "HTTPS":
        wrong.append(f"protocol {protocol or 'TCP'}")
    if path is not UNKNOWN and path != "/readyz":
        wrong.append(f"path {path or 'left out'}")
    if port not in (UNKNOWN, None, "traffic-port", str(ports.API)):
        wrong.append(f"port {port}")
    if wrong:
        yield Finding(
            f"the health check of {resource.name} has {', '.join(wrong)}.",
            'set health_check to protocol "HTTPS", path "/readyz", port "traffic-port".',
            resource,
        )


def has_a_security_group(resource: Resource, context: Context) -> Iterable[Finding]:
    groups = resource.get("securityGroups")
    if resource.type == LOAD_BALANCER and groups is not UNKNOWN and not groups:
        yield Finding(
            f"{resource.name} has no security group, and a network load balancer can't get its first one later.",
            "set security_groups when it is created.",
            resource,
        )


def crosses_zones(resource: Resource, context: Context) -> Iterable[Finding]:
    network = resource.type == LOAD_BALANCER and resource.get("loadBalancerType") == "network"
    crosses = resource.get("enableCrossZoneLoadBalancing")
    if network and crosses is not UNKNOWN and not is_true(crosses):
        yield Finding(
            f"{resource.name} sends a connection only to API servers in the zone where it arrived.",
            "set enable_cross_zone_load_balancing to true.",
            resource,
        )


RULES = (
    ResourceRule(
        "client-addresses-are-not-kept",
        "The target group of the API servers does not preserve client addresses.",
        "a control plane that reaches itself through the load balancer would get its own packets back and drop them: "
        "with N targets, one connection in N of kubeadm and kubelet times out.",
        Severity.HIGH,
        check=client_addresses_are_not_kept,
    ),
    ResourceRule(
        "api-health-check-is-readyz",
        "The load balancer checks whether API servers are ready (HTTPS /readyz).",
        "an open port says nothing: an API server that lost etcd, or is shutting down, still accepts connections and "
        "fails each of them.",
        Severity.HIGH,
        check=health_is_readyz,
    ),
    ResourceRule(
        "load-balancers-have-security-groups",
        "A load balancer has a security group from its creation.",
        "without one it accepts connections from wherever it can be reached, whatever the machines' groups say.",
        Severity.HIGH,
        check=has_a_security_group,
    ),
    ResourceRule(
        "load-balancers-cross-zones",
        "A network load balancer sends to targets in all zones.",
        "when the API server in a zone is down, clients that arrive in that zone would reach none.",
        Severity.MEDIUM,
        check=crosses_zones,
    ),
)
