"""IAM policy documents: one function per need. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Statement = Mapping[str, object]


@dataclass(frozen=True)
class Account:
    """Where the cluster lives: partition (`aws`, `aws-cn`, …), region and account number."""

    partition: str
    region: str
    number: str


def policy(statements: Sequence[Statement]) -> str:
    """A policy document with these statements."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)}, sort_keys=True)


def assumed_by_machines() -> Statement:
    """EC2 may hand the role to an instance."""
    return {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}


def read_own_parameters(account: Account, cluster: str, machine: str) -> Statement:
    """A machine may read the parameters below its own path. Their default key needs no statement of its own."""
    return {
        "Sid": "ReadOwnParameters",
        "Effect": "Allow",
        "Action": "ssm:GetParameter",
        "Resource": f"arn:{account.partition}:ssm:{account.region}:{account.number}:parameter"
        + parameter_path(cluster, machine, "*"),
    }


def parameter_path(cluster: str, machine: str, name: str) -> str:
    """Where a machine's parameter is: `/quorate/CLUSTER/MACHINE/NAME`."""
    return f"/quorate/{cluster}/{machine}/{name}"
