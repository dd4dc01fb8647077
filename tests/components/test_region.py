"""What the region doesn't have is refused with all problems at once, and before anything is registered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import grpc
import pulumi
import pytest

from components.cluster import Cluster
from components.previous_update import PreviousUpdate
from tests.components import education
from tests.components.recording import Answers, Recording, record
from tests.components.stacks import settings_of

OFFERINGS = "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings"
SERVICE = "aws:ec2/getVpcEndpointService:getVpcEndpointService"


class Refused(grpc.RpcError):  # type: ignore[misc]
    """A data source's error, as the engine hands it on."""

    def code(self) -> grpc.StatusCode:
        return grpc.StatusCode.UNKNOWN

    def details(self) -> str:
        return str(self)


def without(*missing: str) -> Mapping[str, Any]:
    def offerings(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        if not asked.get("filters"):
            return {"instanceTypes": ["t3.large", "m7i.large"], "locations": ["eu-central-1"] * 2}
        found = education.offerings(asked)
        pairs = zip(found["instanceTypes"], found["locations"], strict=True)
        kept = [(name, zone) for name, zone in pairs if name not in missing]
        return {"instanceTypes": [name for name, _ in kept], "locations": [zone for _, zone in kept]}

    return {OFFERINGS: offerings}


def refused(answers: Mapping[str, Any], **changes: Any) -> str:
    settings, recorded = settings_of("prod", **changes), Recording()

    def program() -> None:
        with pytest.raises(pulumi.RunError) as error:
            Cluster("prod", settings)
        raise InterruptedError(str(error.value))

    given: Answers = {**education.ANSWERS, **answers}
    with pytest.raises(InterruptedError) as message:
        recorded = record(program, education.outputs, given)
    assert recorded.resources == {}
    return str(message.value)


def test_types_zones_and_services_that_the_region_lacks_are_in_one_message() -> None:
    def service(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        if asked["service"] == "nonsense":
            raise Refused("api error InvalidServiceName: The Vpc Endpoint Service does not exist")
        return {"privateDnsName": "ssm.eu-central-1.amazonaws.com"}

    message = refused(
        {**without("m99.large"), SERVICE: service},
        network__interfaceEndpoints=["ssm", "nonsense"],
        controlPlane__instanceType="m99.large",
        workers__0__instanceType="m99.large",
    )
    assert "3 problems; nothing was created or changed" in message
    for path in ("network.interfaceEndpoints[1]", "controlPlane.instanceType", "workers[0].instanceType"):
        assert f"quorate:{path}" in message
    assert "Did you mean" in message


def test_a_service_without_a_name_of_its_own_is_refused() -> None:
    message = refused({SERVICE: {"privateDnsName": ""}}, network__interfaceEndpoints=["dynamodb"])
    assert "quorate:network.interfaceEndpoints[0]" in message


def test_more_zones_than_the_region_has_are_refused_with_its_zones() -> None:
    message = refused({}, network__zones=6)
    assert "quorate:network.zones" in message
    assert "Choose 3 or fewer: the region has eu-central-1a, eu-central-1b, eu-central-1c" in message


def test_a_question_that_fails_for_another_reason_is_no_problem_of_the_settings() -> None:
    def denied(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        raise Refused("UnauthorizedOperation")

    settings = settings_of("prod", network__interfaceEndpoints=["ssm"])
    with pytest.raises(Exception, match="UnauthorizedOperation"):
        record(lambda: cast(None, Cluster("prod", settings)), education.outputs, {**education.ANSWERS, SERVICE: denied})


def test_a_living_cluster_keeps_a_machine_type_that_a_new_one_would_not_get() -> None:
    settings = settings_of("prod", etcd__instanceType="m7i.small")
    small = {"defaultVcpus": 1, "memorySize": 1024}
    kind = education.ANSWERS["aws:ec2/getInstanceType:getInstanceType"]
    assert not callable(kind)

    def size(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        return {**kind, **small} if asked["instanceType"] == "m7i.small" else kind

    answers: Answers = {**education.ANSWERS, "aws:ec2/getInstanceType:getInstanceType": size}
    recording = record(
        lambda: cast(None, Cluster("prod", settings, PreviousUpdate(settings))), education.outputs, answers
    )
    assert recording.of_type("aws:ec2/instance:Instance")
