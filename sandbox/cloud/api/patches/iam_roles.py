"""Fault: UpdateRole without a description takes the role's description away.
Fault: CreateRole takes a trust policy whatever it says; only UpdateAssumeRolePolicy looks at it.

Not a fault: AWS's own policies are refused by name. They are many, and they change.
"""

from __future__ import annotations

from typing import Any

from moto.iam.exceptions import IAMException
from moto.iam.models import IAMBackend
from moto.iam.policy_validation import IAMTrustPolicyDocumentValidator

from sandbox.cloud.api.limits import CODE


def apply(region: str) -> None:
    create, update, attach = IAMBackend.create_role, IAMBackend.update_role, IAMBackend.attach_role_policy

    def create_role(self: Any, role_name: str, assume_role_policy_document: str, *rest: Any, **named: Any) -> Any:
        IAMTrustPolicyDocumentValidator(assume_role_policy_document).validate()
        return create(self, role_name, assume_role_policy_document, *rest, **named)

    def update_role(self: Any, role_name: str, role_description: str | None, max_session_duration: Any) -> Any:
        if role_description is None:
            role_description = self.get_role(role_name).description
        return update(self, role_name, role_description, max_session_duration)

    def attach_policy(self: Any, policy_arn: str, role_name: str) -> None:
        if policy_arn.startswith("arn:aws:iam::aws:"):
            refusal = IAMException(f"the sandbox does not have AWS's own policies: attaching {policy_arn} refused")
            refusal.code = CODE
            raise refusal
        attach(self, policy_arn, role_name)

    IAMBackend.attach_role_policy = attach_policy
    IAMBackend.create_role = create_role
    IAMBackend.update_role = update_role
