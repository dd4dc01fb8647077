"""The list of instances: whole, or a failure."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from components.node.common.failure import Failure
from components.node.control_plane.worker_groups import Instance, end_wait, list_instances, read_page, read_pages
from tests.components.node.aws_services import LocalAws, aws_of_this_process


def group(name: str, pool: str, **states: str) -> str:
    members = "".join(
        f"<member><InstanceId>{id.replace('_', '-')}</InstanceId><LifecycleState>{state}</LifecycleState>"
        "<AvailabilityZone>eu-central-1a</AvailabilityZone></member>"
        for id, state in states.items()
    )
    return (
        f"<member><AutoScalingGroupName>{name}</AutoScalingGroupName><Tags><member><Key>quorate:pool</Key>"
        f"<Value>{pool}</Value></member></Tags><Instances>{members}</Instances></member>"
    )


def page(groups: str, token: str = "") -> str:
    return (
        '<DescribeAutoScalingGroupsResponse xmlns="http://autoscaling.amazonaws.com/doc/2011-01-01/">'
        f"<DescribeAutoScalingGroupsResult><AutoScalingGroups>{groups}</AutoScalingGroups>"
        f"{f'<NextToken>{token}</NextToken>' if token else ''}"
        "</DescribeAutoScalingGroupsResult></DescribeAutoScalingGroupsResponse>"
    )


GENERAL = group("test.general", "general", i_0aaa="InService", i_0bbb="Terminating:Wait")
OTHER = group("test.other", "other", i_0ccc="Pending:Wait")


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalAws]:
    with aws_of_this_process(monkeypatch) as aws:
        yield aws


def test_all_pages_make_the_list(aws: LocalAws) -> None:
    asked: list[dict[str, str]] = []

    def answer(query: dict[str, str]) -> tuple[int, str]:
        asked.append(query)
        return 200, page(OTHER) if query.get("NextToken") == "a+b/c=" else page(GENERAL, "a+b/c=")

    aws.scaling = answer
    assert list_instances("test") == (
        Instance("i-0aaa", "test.general", "general", "InService", "eu-central-1a"),
        Instance("i-0bbb", "test.general", "general", "Terminating:Wait", "eu-central-1a"),
        Instance("i-0ccc", "test.other", "other", "Pending:Wait", "eu-central-1a"),
    )
    assert len(asked) == 2
    assert all(query["Filters.member.1.Values.member.1"] == "test" for query in asked), "each page is this cluster's"


def test_a_node_is_named_for_its_pool_and_its_instance() -> None:
    assert Instance("i-0aaa", "test.general", "general", "InService").node == "general-i-0aaa"


def test_a_page_that_is_refused_is_no_shorter_list(aws: LocalAws) -> None:
    aws.scaling = lambda query: (
        (400, "<E><Code>Throttling</Code></E>") if "NextToken" in query else (200, page(GENERAL, "t"))
    )
    with pytest.raises(Failure, match="autoscaling DescribeAutoScalingGroups was refused with 400: Throttling"):
        list_instances("test")


def test_pages_that_never_end_are_a_failure() -> None:
    with pytest.raises(Failure, match="does not end"):
        read_pages(lambda token: page(GENERAL, "again"))


@pytest.mark.parametrize(
    "text", [page(GENERAL)[:-40], "", "<html>not Auto Scaling</html>", page("").replace("AutoScalingGroups>", "Other>")]
)
def test_what_is_no_whole_list_is_a_failure(text: str) -> None:
    with pytest.raises(Failure, match="Auto Scaling's list of groups"):
        read_page(text)


def test_a_cluster_without_groups_has_an_empty_list() -> None:
    assert read_page(page("")) == ([], "")


def test_the_end_of_a_wait_names_group_hook_and_instance(aws: LocalAws) -> None:
    asked: list[dict[str, str]] = []

    def answer(query: dict[str, str]) -> tuple[int, str]:
        asked.append(query)
        return 200, "<CompleteLifecycleActionResponse/>"

    aws.scaling = answer
    end_wait(Instance("i-0bbb", "test.general", "general", "Terminating:Wait"), "drain")
    assert asked == [
        {
            "Action": "CompleteLifecycleAction", "AutoScalingGroupName": "test.general", "LifecycleHookName": "drain",
            "InstanceId": "i-0bbb", "LifecycleActionResult": "CONTINUE", "Version": "2011-01-01",
        }
    ]  # fmt: skip
