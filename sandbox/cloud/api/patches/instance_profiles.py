"""Fault: an instance profile that EC2 does not know is refused in IAM's words, and a new one is known to EC2 at once.

IAM is eventually consistent (https://github.com/eksctl-io/eksctl/issues/8039): while profiles are late, EC2, and Auto
Scaling with it, know one only some time after it and its role were made. A launch template may name any: AWS looks at
it when a group is made or an instance launched from it.
"""

from __future__ import annotations

import datetime
from typing import Any

from moto.core.utils import utcnow
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import ec2_backends, iam_instance_profile
from moto.ec2.responses import instances
from moto.iam.exceptions import NotFoundException

from sandbox.cloud.faults import LATE_PROFILE_SECONDS


def apply(region: str) -> None:
    find = iam_instance_profile.filter_iam_instance_profiles

    def find_known(
        account: str, partition: str, iam_instance_profile_arn: str | None, iam_instance_profile_name: str | None
    ) -> Any:
        told = iam_instance_profile_arn or iam_instance_profile_name
        member, called = ("arn", "ARN") if iam_instance_profile_arn else ("name", "name")
        try:
            found = find(account, partition, iam_instance_profile_arn, iam_instance_profile_name)
        except NotFoundException:
            found = None
        if found is None or (are_late(ec2_backends[account][region]) and _is_young(found)):
            raise EC2ClientError(
                "InvalidParameterValue",
                f"Value ({told}) for parameter iamInstanceProfile.{member} is invalid. "
                f"Invalid IAM Instance Profile {called}",
            )
        return found

    for module in (instances, iam_instance_profile):
        setattr(module, "filter_iam_instance_profiles", find_known)  # noqa: B010  (mypy knows what it was)


def set_late(backend: Any, late: bool) -> None:
    """Whether EC2 learns late of instance profiles. Saved with the account."""
    backend.profiles_are_late = late


def are_late(backend: Any) -> bool:
    return bool(getattr(backend, "profiles_are_late", False))


def _is_young(profile: Any) -> bool:
    made = max(each.create_date for each in (profile, *profile.roles))
    return bool(utcnow() - made < datetime.timedelta(seconds=LATE_PROFILE_SECONDS))
