"""IAM statements: exactly what is needed."""

from __future__ import annotations

import json

from components.identity.statements import (
    Account,
    assumed_by_machines,
    policy,
    read_join_credentials,
    read_own_parameters,
    tend_worker_pools,
    write_join_credentials,
)
from components.plan import group_name, machine_parameter

ACCOUNT = Account("aws", "eu-central-1", "123456789012")


def test_a_machine_reads_below_its_own_path_in_its_own_account_and_region() -> None:
    statement = read_own_parameters(Account("aws-cn", "cn-north-1", "123456789012"), "c", "control-plane-0")
    assert statement["Resource"] == ("arn:aws-cn:ssm:cn-north-1:123456789012:parameter/quorate/c/control-plane-0/*")
    assert statement["Action"] == "ssm:GetParameter"


def test_a_path_ends_before_its_last_part_so_that_machine_1_cannot_read_machine_10s() -> None:
    assert machine_parameter("c", "control-plane-1", "*") == "/quorate/c/control-plane-1/*"


def test_only_ec2_takes_the_role() -> None:
    assert assumed_by_machines()["Principal"] == {"Service": "ec2.amazonaws.com"}


def test_a_policy_is_the_same_text_for_the_same_statements() -> None:
    one = policy([{"b": 1, "a": 2}])
    assert one == policy([{"a": 2, "b": 1}])
    assert json.loads(one)["Version"] == "2012-10-17"


def test_the_control_plane_writes_the_one_parameter_that_workers_read() -> None:
    written, read = write_join_credentials(ACCOUNT, "c"), read_join_credentials(ACCOUNT, "c")
    assert (
        written["Resource"]
        == read["Resource"]
        == ("arn:aws:ssm:eu-central-1:123456789012:parameter/quorate/c/workers/join")
    )
    assert (written["Action"], read["Action"]) == ("ssm:PutParameter", "ssm:GetParameter")


def test_drains_are_ended_in_groups_of_the_own_cluster_only() -> None:
    _, drains = tend_worker_pools(ACCOUNT, "prod")
    assert str(drains["Resource"]).endswith(":autoScalingGroupName/prod.*")
    prefix = group_name("prod", "")
    assert group_name("prod", "general").startswith(prefix)
    assert not group_name("prod-2", "general").startswith(prefix)
