"""Fault: RunInstances drops DisableApiTermination, CreditSpecification and more; what is read back is a constant."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.responses.instances import InstanceResponse


def apply(region: str) -> None:
    run_instances = InstanceResponse.run_instances

    def run_with_options(self: Any) -> Any:
        answer = run_instances(self)
        for instance in answer.result.instances:
            instance.disable_api_termination = bool(self._get_param("DisableApiTermination"))
            instance.cpu_credits = self._get_param("CreditSpecification.CpuCredits") or default_credits(instance)
        return answer

    def describe_credits(self: Any) -> ActionResult:
        ids = self._get_param("InstanceIds", [])
        found = self.ec2_backend.describe_instance_credit_specifications(ids)
        return ActionResult(
            {"InstanceCreditSpecifications": [{"InstanceId": i.id, "CpuCredits": credits_of(i)} for i in found]}
        )

    InstanceResponse.run_instances = run_with_options
    InstanceResponse.describe_instance_credit_specifications = describe_credits


def credits_of(instance: Any) -> str:
    return str(getattr(instance, "cpu_credits", None) or default_credits(instance))


def default_credits(instance: Any) -> str:
    """AWS's default: T2 standard, later burstable families unlimited."""
    return "standard" if instance.instance_type.startswith("t2.") else "unlimited"
