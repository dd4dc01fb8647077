"""The cluster's Auto Scaling groups, by calls that this machine's role may make."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from components.node.common.failure import Failure
from components.node.control_plane.aws_query import query, text_of

_VERSION = "2011-01-01"
_PAGE = 100


@dataclass(frozen=True)
class Instance:
    """A member of a group; `state` is Auto Scaling's LifecycleState, `zone` the availability zone."""

    id: str
    group: str
    pool: str
    state: str
    zone: str = ""

    @property
    def node(self) -> str:
        return f"{self.pool}-{self.id}"

    @property
    def provider_id(self) -> str:
        return f"aws:///{self.zone}/{self.id}"


def list_instances(cluster: str) -> tuple[Instance, ...]:
    """All instances of the cluster's groups. Raises Failure for a list that is not whole."""
    filters = {"Filters.member.1.Name": "tag:quorate:cluster", "Filters.member.1.Values.member.1": cluster}

    def page(token: str) -> str:
        asked = {"MaxRecords": str(_PAGE), **filters, **({"NextToken": token} if token else {})}
        return _autoscaling("DescribeAutoScalingGroups", asked)

    return read_pages(page)


def end_wait(instance: Instance, hook: str) -> None:
    """Ends the wait of an instance at a lifecycle hook. Raises Failure."""
    _autoscaling(
        "CompleteLifecycleAction",
        {
            "AutoScalingGroupName": instance.group,
            "LifecycleHookName": hook,
            "InstanceId": instance.id,
            "LifecycleActionResult": "CONTINUE",
        },
    )


def read_pages(page: Callable[[str], str]) -> tuple[Instance, ...]:
    """The instances of all pages; `page` gives the XML that belongs to a token, the first to an empty one."""
    instances: list[Instance] = []
    tokens = [""]
    while True:
        found, token = read_page(page(tokens[-1]))
        instances += found
        if not token:
            return tuple(instances)
        if token in tokens:
            raise Failure("Auto Scaling's list of groups does not end: it gave the same page's token twice")
        tokens.append(token)


def read_page(text: str) -> tuple[list[Instance], str]:
    """The instances of an answer of DescribeAutoScalingGroups, and the token of its next page, or ""."""
    try:
        # The answer comes from AWS over TLS, and ElementTree expands no external entity.
        result = ElementTree.fromstring(text).find("{*}DescribeAutoScalingGroupsResult")  # noqa: S314
    except ElementTree.ParseError as error:
        raise Failure(f"Auto Scaling's list of groups can't be read: {error}") from error
    groups = None if result is None else result.find("{*}AutoScalingGroups")
    if result is None or groups is None:
        raise Failure(f"Auto Scaling's list of groups has another form than expected: {text[:200]}")
    return [instance for group in groups for instance in _instances(group)], text_of(result, "NextToken")


def _instances(group: ElementTree.Element) -> list[Instance]:
    tags = {text_of(tag, "Key"): text_of(tag, "Value") for tag in group.iterfind("{*}Tags/{*}member")}
    name, pool = text_of(group, "AutoScalingGroupName"), tags.get("quorate:pool", "")
    return [
        Instance(
            text_of(member, "InstanceId"),
            name,
            pool,
            text_of(member, "LifecycleState"),
            text_of(member, "AvailabilityZone"),
        )
        for member in group.iterfind("{*}Instances/{*}member")
    ]


def _autoscaling(action: str, parameters: Mapping[str, str]) -> str:
    return query("autoscaling", _VERSION, action, parameters)
