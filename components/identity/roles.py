"""The role that a machine has, through its instance profile."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi_aws as aws
from pulumi import ComponentResource, Output, ResourceOptions

from components.identity.statements import Statement, assumed_by_machines, policy
from components.tags import Tags


class MachineRole(ComponentResource):
    """A role with exactly these statements. `policy` must exist before a machine starts to use the role."""

    role_id: Output[str]
    profile_name: Output[str]
    policy: aws.iam.RolePolicy

    def __init__(
        self, name: str, statements: Sequence[Statement], tags: Tags, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("quorate:identity:MachineRole", name, None, opts)
        child = ResourceOptions(parent=self)
        role = aws.iam.Role(
            f"{name}-role", assume_role_policy=policy([assumed_by_machines()]), tags=tags.named(name), opts=child
        )
        self.role_id = role.id
        self.policy = aws.iam.RolePolicy(f"{name}-policy", role=role.id, policy=policy(statements), opts=child)
        profile = aws.iam.InstanceProfile(f"{name}-profile", role=role.name, tags=tags.named(name), opts=child)
        self.profile_name = profile.name
        self.register_outputs({})
