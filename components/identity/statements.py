"""IAM policy documents: one function per need. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from components.plan import group_name, join_parameter, machine_parameter

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
        + machine_parameter(cluster, machine, "*"),
    }


def read_join_credentials(account: Account, cluster: str) -> Statement:
    """A worker may read the credentials that it joins with."""
    return {
        "Sid": "ReadJoinCredentials",
        "Effect": "Allow",
        "Action": "ssm:GetParameter",
        "Resource": _join_credentials(account, cluster),
    }


def write_join_credentials(account: Account, cluster: str) -> Statement:
    """A control-plane machine renews the credentials that workers join with. It need not read them."""
    return {
        "Sid": "WriteJoinCredentials",
        "Effect": "Allow",
        "Action": "ssm:PutParameter",
        "Resource": _join_credentials(account, cluster),
    }


def tend_worker_pools(account: Account, cluster: str) -> Sequence[Statement]:
    """A control-plane machine sees which workers are to go, and lets those of its own cluster go when drained."""
    groups = f"arn:{account.partition}:autoscaling:{account.region}:{account.number}:autoScalingGroup:*"
    return [
        {
            "Sid": "SeeWorkerPools",
            "Effect": "Allow",
            "Action": "autoscaling:DescribeAutoScalingGroups",
            # The action knows no resources.
            "Resource": "*",
        },
        {
            "Sid": "EndDrains",
            "Effect": "Allow",
            "Action": "autoscaling:CompleteLifecycleAction",
            "Resource": f"{groups}:autoScalingGroupName/{group_name(cluster, '*')}",
        },
    ]


def see_target_health() -> Sequence[Statement]:
    """A control-plane machine sees whether load balancers use its API server. The actions know no resources."""
    return [
        {
            "Sid": f"See{what}",
            "Effect": "Allow",
            "Action": f"elasticloadbalancing:Describe{what}",
            "Resource": "*",
        }
        for what in ("TargetGroups", "TargetHealth")
    ]


def add_snapshots(bucket: str, key: str) -> Sequence[Statement]:
    """A machine with a member of etcd adds snapshots to a bucket, encrypted with a key (ARNs). It reads none, its own
    included: who has that machine doesn't get what the cluster once held."""
    return [
        {"Sid": "AddSnapshots", "Effect": "Allow", "Action": "s3:PutObject", "Resource": f"{bucket}/*"},
        {"Sid": "EncryptSnapshots", "Effect": "Allow", "Action": "kms:GenerateDataKey", "Resource": key},
    ]


def never_overwritten(bucket: str) -> Sequence[Statement]:
    """The policy of a bucket (ARN): by TLS alone, and an object is made only where there is none of its name."""
    return [
        {
            "Sid": "TlsAlone",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [bucket, f"{bucket}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
        {
            "Sid": "NothingIsOverwritten",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:PutObject",
            "Resource": f"{bucket}/*",
            # The header goes with the request that makes an object: the parts of a large one need none.
            "Condition": {"Null": {"s3:if-none-match": "true"}, "Bool": {"s3:ObjectCreationOperation": "true"}},
        },
    ]


def _join_credentials(account: Account, cluster: str) -> str:
    return f"arn:{account.partition}:ssm:{account.region}:{account.number}:parameter{join_parameter(cluster)}"
