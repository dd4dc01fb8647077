"""Fault: RunInstances drops DisableApiTermination, CreditSpecification and more; what is read back is a constant.
Fault: MonitorInstances, UnmonitorInstances and ModifyInstanceCreditSpecification are not implemented.
"""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.responses.instances import InstanceResponse
from moto.ec2.responses.monitoring import Monitoring


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

    def modify_credits(self: Any) -> ActionResult:
        changed = []
        for wanted in self._get_param("InstanceCreditSpecifications", []):
            instance = self.ec2_backend.get_instance(wanted["InstanceId"])
            instance.cpu_credits = wanted["CpuCredits"]
            changed.append({"InstanceId": instance.id})
        return ActionResult(
            {"SuccessfulInstanceCreditSpecifications": changed, "UnsuccessfulInstanceCreditSpecifications": []}
        )

    def monitor(state: str) -> Any:
        def change(self: Any) -> ActionResult:
            found = self.ec2_backend.get_multi_instances_by_id(self._get_param("InstanceIds", []))
            for instance in found:
                instance.monitoring_state = state
            return ActionResult(
                {"InstanceMonitorings": [{"InstanceId": i.id, "Monitoring": {"State": state}} for i in found]}
            )

        return change

    InstanceResponse.run_instances = run_with_options
    InstanceResponse.describe_instance_credit_specifications = describe_credits
    InstanceResponse.modify_instance_credit_specification = modify_credits
    Monitoring.monitor_instances = monitor("enabled")
    Monitoring.unmonitor_instances = monitor("disabled")


def credits_of(instance: Any) -> str:
    return str(getattr(instance, "cpu_credits", None) or default_credits(instance))


def default_credits(instance: Any) -> str:
    """AWS's default: T2 standard, later burstable families unlimited."""
    return "standard" if instance.instance_type.startswith("t2.") else "unlimited"
