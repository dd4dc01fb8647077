from __future__ import annotations

from typing import Any

import pytest

from sandbox.cloud.api.authorization import allows as judged
from sandbox.cloud.api.authorization import statements_of
from sandbox.cloud.api.conditions import NotModelled

PARAMETER = "arn:aws:ssm:eu-central-1:123456789012:parameter/quorate/education/control-plane-0/host-key"


def allows(statements: list[dict[str, Any]], action: str, resource: str) -> bool:
    return judged(statements, action, resource, {"aws:SecureTransport": ("true",)}.get)


def statement(**changes: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "ssm:GetParameter", "Resource": PARAMETER} | changes


@pytest.mark.parametrize(
    ("changes", "allowed"),
    [
        ({}, True),
        ({"Action": ["ssm:Put*", "SSM:getparameter"]}, True),
        ({"Action": "ssm:GetParameter*"}, True),
        ({"Action": "ssm:GetParameters"}, False),
        ({"Resource": PARAMETER.replace("host-key", "*")}, True),
        ({"Resource": "*"}, True),
        ({"Resource": PARAMETER.replace("control-plane-0", "worker-0")}, False),
        ({"Resource": PARAMETER.replace("123456789012", "210987654321")}, False),
        ({"Resource": PARAMETER.replace("host-key", "host-ke[y]")}, False),
        ({"Effect": "Deny"}, False),
    ],
)
def test_a_statement_allows_what_it_names(changes: dict[str, Any], allowed: bool) -> None:
    assert allows([statement(**changes)], "ssm:GetParameter", PARAMETER) is allowed


def test_a_deny_wins_over_an_allow_in_any_order() -> None:
    both = [statement(), statement(Effect="Deny", Resource="*")]
    assert not allows(both, "ssm:GetParameter", PARAMETER)
    assert not allows(both[::-1], "ssm:GetParameter", PARAMETER)


def test_what_is_not_judged_is_said_and_not_guessed() -> None:
    with pytest.raises(NotModelled, match="Principal"):
        allows([statement(Principal="*")], "ssm:GetParameter", PARAMETER)


@pytest.mark.parametrize(
    ("changes", "allowed"),
    [
        ({"NotAction": "ssm:Put*"}, True),
        ({"NotAction": ["ssm:Get*", "s3:*"]}, False),
        ({"NotResource": "arn:aws:s3:::*"}, True),
        ({"NotResource": PARAMETER}, False),
    ],
)
def test_a_statement_may_name_what_it_is_not_about(changes: dict[str, Any], allowed: bool) -> None:
    found = {key: value for key, value in statement(**changes).items() if f"Not{key}" not in changes}
    assert allows([found], "ssm:GetParameter", PARAMETER) is allowed


def test_a_condition_on_another_action_does_not_matter() -> None:
    other = statement(Action="s3:PutObject", Condition={"StringEquals": {"x:y": "z"}})
    assert allows([statement(), other], "ssm:GetParameter", PARAMETER)


def test_a_deny_whose_condition_does_not_hold_is_none() -> None:
    deny = statement(Effect="Deny", Condition={"Bool": {"aws:SecureTransport": "false"}})
    assert allows([statement(), deny], "ssm:GetParameter", PARAMETER)


def test_one_statement_need_not_be_a_list() -> None:
    assert statements_of(['{"Statement": {"Effect": "Allow"}}', '{"Statement": [{}, {}]}']) == [
        {"Effect": "Allow"},
        {},
        {},
    ]
