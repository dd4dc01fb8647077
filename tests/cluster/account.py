"""Speaks to the sandbox's account as the operator's programs do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import boto3
import botocore.config

from sandbox import control, supervisor


def account_client(environment: Mapping[str, str], service: str) -> Any:
    """A boto3 client of a service of AWS, by way of the operator's proxy."""
    session = boto3.Session(
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        region_name="eu-central-1",
    )
    config = botocore.config.Config(proxies={"https": environment["HTTPS_PROXY"]})
    return session.client(service, verify=environment["AWS_CA_BUNDLE"], config=config)


def instance_ids(environment: Mapping[str, str]) -> dict[str, list[str]]:
    """Ids of the instances that run, by their Name tag; those of a pool's machines share one."""
    found: dict[str, list[str]] = {}
    running = [{"Name": "instance-state-name", "Values": ["running"]}]
    for reservation in account_client(environment, "ec2").describe_instances(Filters=running)["Reservations"]:
        for instance in reservation["Instances"]:
            tags = {tag["Key"]: tag["Value"] for tag in instance.get("Tags", [])}
            found.setdefault(tags.get("Name", ""), []).append(instance["InstanceId"])
    return found


def fault(kind: str, name: str) -> str:
    """Breaks or heals a machine or a zone, as `python -m sandbox fault KIND NAME` does."""
    return control.ask(supervisor.control_socket(), {"fault": kind, "name": name})
