"""What the load balancers in front of the API see of a control plane, by calls that this machine's role may make."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import dataclass

from components.node.common.failure import Failure
from components.node.common.waiting import NotYet
from components.node.control_plane.aws_query import query, text_of

_SERVICE = "elasticloadbalancing"
_VERSION = "2015-12-01"
# Of targets that get connections, or never will: they are not registered, or leave, or their group is behind nothing.
SETTLED = ("healthy", "unused", "draining")


@dataclass(frozen=True)
class Target:
    """An API server as a load balancer sees it; `reason` is AWS's own, empty for a healthy one."""

    group: str
    address: str
    state: str
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.address} is {self.state} in {self.group}{f' ({self.reason})' if self.reason else ''}"


def targets_of(groups: Sequence[str]) -> tuple[Target, ...]:
    """All targets of the target groups with these names; none of a group that is not there. Raises Failure."""
    return tuple(target for group in groups for target in _targets(group))


def check_used(groups: Sequence[str], address: str = "") -> None:
    """Raises NotYet while a registered target is not healthy: that with `address`, or any. Raises Failure."""
    waiting = [
        target for target in targets_of(groups) if target.state not in SETTLED and address in ("", target.address)
    ]
    if waiting:
        raise NotYet("; ".join(map(str, waiting)))


def _targets(group: str) -> list[Target]:
    try:
        found = _describe("DescribeTargetGroups", {"Names.member.1": group})
    except Failure as failure:
        # That of a load balancer which this same update is still to make.
        if "TargetGroupNotFound" in str(failure):
            return []
        raise
    arn = found.findtext(".//{*}TargetGroupArn")
    if not arn:
        raise Failure(f"{_SERVICE} DescribeTargetGroups answered without an ARN for {group}")
    health = _describe("DescribeTargetHealth", {"TargetGroupArn": arn})
    return [
        Target(
            group,
            text_of(member, "Target/Id"),
            text_of(member, "TargetHealth/State"),
            text_of(member, "TargetHealth/Description") or text_of(member, "TargetHealth/Reason"),
        )
        for member in health.iterfind(".//{*}TargetHealthDescriptions/{*}member")
    ]


def _describe(action: str, parameters: dict[str, str]) -> ElementTree.Element:
    text = query(_SERVICE, _VERSION, action, parameters)
    try:
        # The answer comes from AWS over TLS, and ElementTree expands no external entity.
        return ElementTree.fromstring(text)  # noqa: S314
    except ElementTree.ParseError as error:
        raise Failure(f"{_SERVICE} {action} was answered with something else than XML: {error}") from error
