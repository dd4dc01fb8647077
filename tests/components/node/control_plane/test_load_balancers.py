"""What load balancers see, from their answers to signed calls."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from components.node.common.failure import Failure
from components.node.common.waiting import NotYet
from components.node.control_plane.load_balancers import Target, check_used, targets_of
from tests.components.node.aws_services import LocalAws, aws_of_this_process
from tests.components.node.control_plane.target_groups import TargetGroups

OWN, OTHER = "10.0.0.1", "10.0.0.2"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalAws]:
    with aws_of_this_process(monkeypatch) as aws:
        yield aws


def seen(aws: LocalAws, **groups: dict[str, str]) -> tuple[str, ...]:
    """The groups' names, of which `aws` answers with these states from now on."""
    states = {name: {address: [state] for address, state in targets.items()} for name, targets in groups.items()}
    aws.balancing = TargetGroups(states).answer
    return tuple(groups)


def test_targets_are_told_with_their_group_their_state_and_awss_own_reason(aws: LocalAws) -> None:
    groups = seen(aws, internal={OWN: "healthy", OTHER: "unhealthy"}, public={OWN: "initial"})
    assert targets_of(groups) == (
        Target("internal", OWN, "healthy"),
        Target("internal", OTHER, "unhealthy", "Health checks failed"),
        Target("public", OWN, "initial", "Health checks failed"),
    )


@pytest.mark.parametrize("state", ["healthy", "unused", "draining"])
def test_a_target_that_gets_connections_or_never_will_is_not_waited_for(aws: LocalAws, state: str) -> None:
    check_used(seen(aws, internal={OWN: state}), OWN)


@pytest.mark.parametrize("state", ["initial", "unhealthy", "unhealthy.draining", "unavailable"])
def test_a_target_that_is_not_used_yet_is_waited_for_by_name(aws: LocalAws, state: str) -> None:
    with pytest.raises(NotYet, match=f"10.0.0.1 is {state} in public \\(Health checks failed\\)"):
        check_used(seen(aws, internal={OWN: "healthy"}, public={OWN: state}), OWN)


def test_a_machine_waits_for_itself_and_the_cluster_for_all(aws: LocalAws) -> None:
    groups = seen(aws, internal={OWN: "healthy", OTHER: "unhealthy"})
    check_used(groups, OWN)
    with pytest.raises(NotYet, match=OTHER):
        check_used(groups)


def test_a_load_balancer_that_is_not_there_yet_has_no_targets(aws: LocalAws) -> None:
    seen(aws, internal={OWN: "healthy"})
    assert targets_of(("public",)) == ()


def test_a_refusal_is_told_with_awss_own_reason(aws: LocalAws) -> None:
    denied = "<Response><Error><Code>AccessDenied</Code><Message>not authorized</Message></Error></Response>"
    aws.balancing = lambda query: (403, denied)
    with pytest.raises(Failure, match="DescribeTargetGroups was refused with 403: AccessDenied: not authorized"):
        targets_of(("internal",))


@pytest.mark.parametrize("text", ["", "not XML", "<Answer/>"])
def test_an_answer_of_another_form_is_a_failure(aws: LocalAws, text: str) -> None:
    aws.balancing = lambda query: (200, text)
    with pytest.raises(Failure, match="DescribeTargetGroups"):
        targets_of(("internal",))
