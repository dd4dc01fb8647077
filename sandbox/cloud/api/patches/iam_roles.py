"""Fault: UpdateRole without a description takes the role's description away.
Fault: CreateRole takes a trust policy whatever it says; only UpdateAssumeRolePolicy looks at it.
"""

from __future__ import annotations

from typing import Any

from moto.iam.models import IAMBackend
from moto.iam.policy_validation import IAMTrustPolicyDocumentValidator


def apply(region: str) -> None:
    create, update = IAMBackend.create_role, IAMBackend.update_role

    def create_role(self: Any, role_name: str, assume_role_policy_document: str, *rest: Any, **named: Any) -> Any:
        IAMTrustPolicyDocumentValidator(assume_role_policy_document).validate()
        return create(self, role_name, assume_role_policy_document, *rest, **named)

    def update_role(self: Any, role_name: str, role_description: str | None, max_session_duration: Any) -> Any:
        if role_description is None:
            role_description = self.get_role(role_name).description
        return update(self, role_name, role_description, max_session_duration)

    IAMBackend.create_role = create_role
    IAMBackend.update_role = update_role
