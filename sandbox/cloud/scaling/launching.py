"""Launching for a group: the request that RunInstances would be, past the same checks."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from moto.ec2.exceptions import DryRunClientError
from moto.ec2.responses import EC2Response


def launch(account: str, region: str, template: Any, version: Any, **options: Any) -> Any:
    """One instance from a version of a launch template; `options` as `request_of` takes them.

    Raises what RunInstances answers where it refuses.
    """
    request = _request(account, region, request_of(template.id, version, **options))
    (instance,) = request.run_instances().result.instances
    return instance


def check(account: str, region: str, template: Any, version: Any, **options: Any) -> None:
    """Raises what a launch would be refused for; launches nothing."""
    request = _request(account, region, request_of(template.id, version, **options) | {"DryRun": True})
    try:
        request.run_instances()
    except DryRunClientError as answer:
        if answer.code != "DryRunOperation":
            raise


def request_of(
    template_id: str,
    version: Any,
    data: Mapping[str, Any],
    subnet_id: str,
    tags: Mapping[str, str],
    instance_type: str | None = None,
) -> dict[str, Any]:
    """RunInstances' parameters; `data` is what the template's version holds, `tags` are the group's."""
    asked: dict[str, Any] = {
        "LaunchTemplate": {"LaunchTemplateId": template_id, "Version": str(version)},
        "MinCount": 1,
        "MaxCount": 1,
        "TagSpecifications": [
            {"ResourceType": "instance", "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}
        ],
    }
    if instance_type:
        asked["InstanceType"] = instance_type
    if interfaces := copy.deepcopy(data.get("NetworkInterfaces")):
        # The template says how the interface is made, the group where.
        interfaces[0]["SubnetId"] = subnet_id
        asked["NetworkInterfaces"] = interfaces
    else:
        asked["SubnetId"] = subnet_id
    return asked


def _request(account: str, region: str, parameters: dict[str, Any]) -> Any:
    request: Any = EC2Response()
    request.params, request.uri_match = parameters, {}
    request.automated_parameter_parsing = True
    request.current_account, request.region, request.partition = account, region, "aws"
    return request
