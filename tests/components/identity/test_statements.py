"""IAM statements: exactly what is needed."""

from __future__ import annotations

import json

from components.identity.statements import Account, assumed_by_machines, parameter_path, policy, read_own_parameters


def test_a_machine_reads_below_its_own_path_in_its_own_account_and_region() -> None:
    statement = read_own_parameters(Account("aws-cn", "cn-north-1", "123456789012"), "c", "control-plane-0")
    assert statement["Resource"] == ("arn:aws-cn:ssm:cn-north-1:123456789012:parameter/quorate/c/control-plane-0/*")
    assert statement["Action"] == "ssm:GetParameter"


def test_a_path_ends_before_its_last_part_so_that_machine_1_cannot_read_machine_10s() -> None:
    assert parameter_path("c", "control-plane-1", "*") == "/quorate/c/control-plane-1/*"


def test_only_ec2_takes_the_role() -> None:
    assert assumed_by_machines()["Principal"] == {"Service": "ec2.amazonaws.com"}


def test_a_policy_is_the_same_text_for_the_same_statements() -> None:
    one = policy([{"b": 1, "a": 2}])
    assert one == policy([{"a": 2, "b": 1}])
    assert json.loads(one)["Version"] == "2012-10-17"
