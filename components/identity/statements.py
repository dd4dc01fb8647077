"""IAM policy documents: one function per need. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

Statement = Mapping[str, object]


def policy(statements: Sequence[Statement]) -> str:
    """A policy document with these statements."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)}, sort_keys=True)


def assumed_by_machines() -> Statement:
    """EC2 may hand the role to an instance."""
    return {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}


def read_own_parameters(region: str, account: str, cluster: str, machine: str) -> Statement:
    """A machine may read the parameters below its own path. Their default key needs no statement of its own."""
    return {
        "Sid": "ReadOwnParameters",
        "Effect": "Allow",
        "Action": "ssm:GetParameter",
        "Resource": f"arn:aws:ssm:{region}:{account}:parameter{parameter_path(cluster, machine, '*')}",
    }


def parameter_path(cluster: str, machine: str, name: str) -> str:
    """Where a machine's parameter is: `/quorate/CLUSTER/MACHINE/NAME`."""
    return f"/quorate/{cluster}/{machine}/{name}"
