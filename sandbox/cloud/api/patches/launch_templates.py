"""Fault: a launch from a template ignores what the template says of metadata options, instance profile, network
interfaces, monitoring, credits and more, and adds a disk that nobody asked for.
Fault: the second version of a template with user data crashes whoever launches from it; SourceVersion is ignored.
Fault: a template's own tags are read back as tags that it gives to instances, and stay as they were at first.
Fault: an interface's AssociatePublicIpAddress=false is overruled by the subnet.
Fault: tags for the network interface are dropped.

Here a template is written out into the request before anything looks at it, so that a launch from a template passes
the same checks, and is refused for the same reasons, as a launch that says everything itself.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from moto.core.types import Base64EncodedString
from moto.ec2.exceptions import EC2ClientError, InvalidParameterCombination
from moto.ec2.models.launch_templates import LaunchTemplate
from moto.ec2.responses.instances import InstanceResponse
from moto.ec2.responses.launch_templates import LaunchTemplates
from moto.ec2.utils import convert_tag_spec, parse_user_data

from sandbox.cloud.scaling.group_state import template_in

_REFUSED = ("InstanceRequirements", "ElasticGpuSpecifications", "LicenseSpecifications", "CapacityReservationId")


def apply(region: str) -> None:
    create, create_version = LaunchTemplates.create_launch_template, LaunchTemplates.create_launch_template_version
    run_instances = InstanceResponse.run_instances

    def create_template(self: Any) -> Any:
        told = copy.deepcopy(_data_in(self))
        answer = create(self)
        version = self.ec2_backend.get_launch_template(answer.result["LaunchTemplate"]["LaunchTemplateId"]).versions[0]
        version.data = told
        version.instance_tags = convert_tag_spec(told.get("TagSpecifications", [])).get("instance", {})
        return answer

    def create_next_version(self: Any) -> Any:
        told = _data_in(self)
        if source := self._get_param("SourceVersion"):
            template = template_in(self.ec2_backend, self.params)
            told = copy.deepcopy(template.get_version(source).data) | told
        self.params["LaunchTemplateData"] = told
        return create_version(self)

    def run_written_out(self: Any) -> Any:
        specification = self._get_param("LaunchTemplate")
        made_from = {}
        if specification:
            template = template_in(self.ec2_backend, specification)
            version = template.get_version(specification.get("Version") or "$Default")
            self.params = written_out(version.data, self.params)
            made_from = {"aws:ec2launchtemplate:id": template.id, "aws:ec2launchtemplate:version": str(version.number)}
        _settle_public_address(self)
        answer = run_instances(self)
        tags = convert_tag_spec(self._get_param("TagSpecifications", [])).get("network-interface", {})
        for instance in answer.result.instances:
            instance.add_tags(made_from)
            for interface in instance.nics.values():
                interface.add_tags(tags)
        return answer

    LaunchTemplate.tags = property(lambda self: self.get_tags(), lambda self, tags: None)
    LaunchTemplates.create_launch_template = create_template
    LaunchTemplates.create_launch_template_version = create_next_version
    InstanceResponse.run_instances = run_written_out


def written_out(data: Mapping[str, Any], request: Mapping[str, Any]) -> dict[str, Any]:
    """The request with all that a template's version says and the request leaves open (pure); tags of both."""
    for name in _REFUSED:
        if data.get(name):
            raise EC2ClientError(
                "SandboxNotModelled", f"the sandbox's machines do not have {name} of a launch template: launch refused"
            )
    told = copy.deepcopy({name: value for name, value in data.items() if value is not None})
    if "UserData" in told:
        told["UserData"] = str(told["UserData"])
    asked = {name: value for name, value in request.items() if name != "LaunchTemplate"}
    tags = _joined_tags(told.pop("TagSpecifications", []), asked.pop("TagSpecifications", []))
    whole = told | asked | ({"TagSpecifications": tags} if tags else {})
    if whole.get("NetworkInterfaces") and (whole.get("SecurityGroupIds") or whole.get("SecurityGroups")):
        raise InvalidParameterCombination(
            "Network interfaces and an instance-level security groups may not be specified on the same request"
        )
    return whole


def _joined_tags(first: list[Any], second: list[Any]) -> list[Any]:
    """Tag specifications of both, one for each type of resource; the second one's value wins."""
    joined: dict[str, dict[str, str]] = {}
    for specification in (*first, *second):
        tags = {tag["Key"]: tag.get("Value", "") for tag in specification.get("Tags", [])}
        joined.setdefault(specification["ResourceType"], {}).update(tags)
    return [
        {"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}
        for kind, tags in joined.items()
        if tags
    ]


def _data_in(request: Any) -> dict[str, Any]:
    data: dict[str, Any] = dict(request._get_param("LaunchTemplateData", {}))
    if data.get("UserData") is not None and not isinstance(data["UserData"], Base64EncodedString):
        data["UserData"] = parse_user_data(data["UserData"])
    return data


def _settle_public_address(request: Any) -> None:
    """moto asks the subnet unless the request itself says whether there is a public address."""
    for interface in request._get_param("NetworkInterfaces", []):
        if "AssociatePublicIpAddress" in interface:
            request.params["AssociatePublicIpAddress"] = bool(interface["AssociatePublicIpAddress"])
