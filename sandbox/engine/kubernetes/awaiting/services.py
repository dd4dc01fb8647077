"""Readiness of Services and Ingresses. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sandbox.engine.kubernetes.awaiting.verdict import DEFAULT_SECONDS, ENDPOINTS, SERVICES, Snapshot, Verdict
from sandbox.engine.kubernetes.objects import Kind, Object, lookup, mapping, name_of, sequence, text

SETTLE_SECONDS = 10.0


def needs_pods(service: Object) -> bool:
    """Whether traffic goes to pods that the service selects and that it's reasonable to wait for."""
    headless = lookup(service, "spec", "clusterIP") == "None"
    return (
        bool(mapping(service, "spec", "selector"))
        and not headless
        and lookup(service, "spec", "type") != "ExternalName"
    )


def endpoints_of(service: Object, snapshot: Snapshot) -> Object | None:
    return next((entry for entry in snapshot.of(ENDPOINTS) if name_of(entry) == name_of(service)), None)


def all_targets_ready(endpoints: Object | None) -> bool:
    """Whether the endpoints exist and none of them is waiting to become ready."""
    return endpoints is not None and not any(
        sequence(subset, "notReadyAddresses") for subset in sequence(endpoints, "subsets")
    )


@dataclass(frozen=True)
class ServiceCondition:
    """Its pods are ready and stay so for a while, and a load balancer has an address."""

    watched: tuple[Kind, ...] = (ENDPOINTS,)
    seconds: float = DEFAULT_SECONDS

    def judge(self, snapshot: Snapshot) -> Verdict:
        service = snapshot.obj
        balanced = lookup(service, "spec", "type") == "LoadBalancer"
        addressed = not balanced or bool(sequence(service, "status", "loadBalancer", "ingress"))
        problems: list[str] = []
        endpoints = endpoints_of(service, snapshot)
        waits = needs_pods(service)
        targets = not waits or all_targets_ready(endpoints)
        if not targets:
            problems.append(
                "Service does not target any Pods. Selected Pods may not be ready, or "
                "field '.spec.selector' may not match labels on any Pods"
            )
        if not addressed:
            problems.append("Service was not allocated an IP address; does your cloud provider support this?")
        status = (
            "✅ Service initialization complete" if not problems
            else "[1/3] Finding Pods to direct traffic to" if not targets
            else "[2/3] Attempting to allocate IP address to Service"
        )  # fmt: skip
        return Verdict(
            ready=not problems,
            status=status,
            problems=tuple(problems),
            settle_key=text(lookup(endpoints, "metadata", "resourceVersion")) if waits else "",
            settle_seconds=SETTLE_SECONDS if waits else 0.0,
        )


@dataclass(frozen=True)
class IngressCondition:
    """Each path leads to a service with ready pods, and the controller has given the ingress an address."""

    watched: tuple[Kind, ...] = (ENDPOINTS, SERVICES)
    seconds: float = DEFAULT_SECONDS

    def judge(self, snapshot: Snapshot) -> Verdict:
        ingress = snapshot.obj
        services = {name_of(service): service for service in snapshot.of(SERVICES)}
        problems: list[str] = []
        for place, backend in _backends(ingress):
            service = services.get(backend)
            if service is None:
                problems.append(f"{place}: service {backend!r} does not exist")
            elif needs_pods(service) and not all_targets_ready(endpoints_of(service, snapshot)):
                problems.append(f"{place}: no matching pods are ready behind service {backend!r}")
        if problems:
            return Verdict(False, "[1/3] Finding a matching service for each Ingress path", tuple(problems))
        if not sequence(ingress, "status", "loadBalancer", "ingress"):
            problem = (
                "Ingress .status.loadBalancer field was not updated with a hostname/IP address. "
                "Is an ingress controller running?"
            )
            return Verdict(False, "[2/3] Waiting for update of .status.loadBalancer with hostname/IP", (problem,))
        return Verdict(True, "✅ Ingress initialization complete")


def _backends(ingress: Object) -> Iterator[tuple[str, str]]:
    default = text(lookup(ingress, "spec", "defaultBackend", "service", "name"))
    if default:
        yield "default backend", default
    for rule in sequence(ingress, "spec", "rules"):
        for path in sequence(rule, "http", "paths"):
            name = text(lookup(path, "backend", "service", "name"))
            if name:
                yield f"{text(rule.get('host'))}{text(path.get('path'))}", name
