"""Pinned images and versions, and versions that may run beside each other. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from policies.delivered import node_environment
from policies.machines import COMMAND, CONTROL_PLANE, LAUNCH_TEMPLATE, machine_name
from policies.model import Context, Finding, Resource, ResourceRule, Severity, Stack, StackRule
from policies.values import at, items

_IMAGE_LINE: Final = re.compile(r"^[ \t-]*image:[ \t]*[\"']?([^\s\"'#]+)", re.MULTILINE)
_EXACT: Final = re.compile(r"v?\d+\.\d+\.\d+")
_FLOATING: Final = ("latest", "stable", "main", "master", "edge", "nightly")
# How many minors a kubelet may be older than the API server that it talks to, and API servers than each other.
_KUBELET_BEHIND: Final = 3
_API_SERVERS_APART: Final = 1


def images_are_pinned(resource: Resource, context: Context) -> Iterable[Finding]:
    for image in sorted(set(_images(resource))):
        if _floats(image):
            yield Finding(
                f"{resource.name} runs the image {image}, which names no fixed version.",
                "name a version or a digest, such as registry.k8s.io/pause:3.10.1 or …@sha256:….",
                resource,
            )
    if resource.type == LAUNCH_TEMPLATE:
        image_id = resource.get("imageId")
        if isinstance(image_id, str) and image_id.startswith("resolve:ssm:"):
            yield Finding(
                f"{resource.name} looks its machine image up at each launch ({image_id}).",
                "set image_id to an image's own id, so that a preview shows when it changes.",
                resource,
            )


def _images(resource: Resource) -> Iterator[str]:
    if resource.type.startswith("kubernetes:"):
        yield from _container_images(resource.props)
    elif resource.type == COMMAND and isinstance(text := resource.get("stdin"), str):
        yield from _IMAGE_LINE.findall(text)


def _container_images(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            if key in ("containers", "initContainers"):
                yield from (image for one in items(item) if isinstance(image := at(one, "image"), str))
            else:
                yield from _container_images(item)
    elif isinstance(value, list):
        for item in value:
            yield from _container_images(item)


def _floats(image: str) -> bool:
    if "@sha256:" in image or "$" in image or "{{" in image:
        return False
    tag = image.rpartition("/")[2].partition(":")[2]
    return not tag or tag in _FLOATING


def versions_are_exact(resource: Resource, context: Context) -> Iterable[Finding]:
    for version in _versions(resource):
        if not _EXACT.fullmatch(version):
            yield Finding(
                f"{resource.name} installs Kubernetes {version or 'without a version'}.",
                'set quorate:cluster.kubernetesVersion to all three parts, such as "1.36.4".',
                resource,
            )
    if resource.type.startswith("kubernetes:helm.sh/") and resource.get("version") in (None, ""):
        yield Finding(f"{resource.name} installs whichever version of its chart is newest.", "set version.", resource)


def _versions(resource: Resource) -> list[str]:
    """The versions of Kubernetes that a machine's files name."""
    if resource.type not in (COMMAND, LAUNCH_TEMPLATE):
        return []
    version = node_environment(resource).get("KUBERNETES_VERSION")
    return [] if version is None else [version]


def versions_fit(stack: Stack, context: Context) -> Iterable[Finding]:
    servers: dict[str, int] = {}
    kubelets: dict[str, int] = {}
    for resource in stack.of_type(COMMAND, LAUNCH_TEMPLATE):
        for version in filter(_EXACT.fullmatch, _versions(resource)):
            minor = int(version.split(".")[1])
            machine = machine_name(resource)
            if machine and machine[0] == CONTROL_PLANE:
                servers[f"{machine[0]}-{machine[1]}"] = minor
            elif resource.type == LAUNCH_TEMPLATE:
                kubelets[resource.name] = minor
    if not servers:
        return
    oldest, newest = min(servers.values()), max(servers.values())
    if newest - oldest > _API_SERVERS_APART:
        yield Finding(
            f"API servers run Kubernetes 1.{oldest} to 1.{newest}.",
            "bring all control planes to one minor version before upgrading to the next.",
        )
    for name, minor in sorted(kubelets.items()):
        if minor > oldest:
            yield Finding(
                f"{name} has kubelets of 1.{minor}, but the oldest API server is 1.{oldest}.",
                "upgrade control planes before workers.",
                _named(stack, name),
            )
        elif newest - minor > _KUBELET_BEHIND:
            yield Finding(
                f"{name} has kubelets of 1.{minor}, but the newest API server is 1.{newest}.",
                f"upgrade workers to 1.{newest - _KUBELET_BEHIND} or newer first.",
                _named(stack, name),
            )


def _named(stack: Stack, name: str) -> Resource:
    return next(resource for resource in stack.of_type(LAUNCH_TEMPLATE) if resource.name == name)


RULES = (
    ResourceRule(
        "images-are-pinned",
        "Images of machines and containers name a fixed version.",
        "with a floating tag two nodes can run different code under one name, and a rollback changes nothing.",
        Severity.MEDIUM,
        check=images_are_pinned,
    ),
    ResourceRule(
        "versions-are-exact",
        "Versions that machines install are exact.",
        "a node that joins a week later would run another version than its neighbours.",
        Severity.MEDIUM,
        check=versions_are_exact,
    ),
    StackRule(
        "versions-fit-each-other",
        "Versions of API servers and kubelets are within Kubernetes' version skew.",
        "API servers may differ by one minor; kubelets may be up to three older and never newer. Beyond that, objects "
        "are misread and nodes drop out.",
        Severity.HIGH,
        check=versions_fit,
    ),
)
