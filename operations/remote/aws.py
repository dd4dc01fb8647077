"""The account that the operator has signed in to.

AWS is asked by its own command line, `aws`, as the product's requirements have no library for its API (boto3 comes with
the tests alone) and as it knows every way in which an operator may have signed in.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final, Protocol

from operations.errors import NotAnswered, OperationFailed
from operations.remote.programs import said

# Of IAM, whose events CloudTrail keeps in one region for all.
GLOBAL_REGION: Final = "us-east-1"


class Ask(Protocol):
    """A question to AWS: its service, operation and parameters as `aws` takes them. Raises NotAnswered."""

    def __call__(self, service: str, operation: str, *parameters: str, region: str = ...) -> Any: ...


class Aws:
    """The operator's `aws`, in a region."""

    def __init__(self, region: str) -> None:
        self._region = region

    def __call__(self, service: str, operation: str, *parameters: str, region: str = "") -> Any:
        """The answer of an operation, from its JSON."""
        printed = self.printed(service, operation, *parameters, "--output", "json", region=region)
        try:
            return json.loads(printed or "{}")
        except ValueError:
            raise NotAnswered(f"aws {service} {operation} answered with something else than JSON") from None

    def printed(self, service: str, operation: str, *parameters: str, region: str = "", seconds: float = 120) -> str:
        """What `aws` prints, such as its own `aws s3 …`, which has no JSON. Raises NotAnswered."""
        return said(["aws", service, operation, *parameters, "--region", region or self._region], seconds)


def identity(ask: Callable[[str, str], Any]) -> str:
    """Who asks. Raises OperationFailed where nobody is signed in, or AWS is out of reach."""
    try:
        return str(ask("sts", "get-caller-identity")["Arn"])
    except NotAnswered as unanswered:
        raise OperationFailed(
            f"AWS can't be asked anything: {unanswered}. Install AWS's command line (version 2), sign in (`aws "
            "configure sso`, AWS_PROFILE or AWS_ACCESS_KEY_ID), and see that `aws sts get-caller-identity` answers"
        ) from None
