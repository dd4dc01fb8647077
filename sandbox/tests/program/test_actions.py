"""The program's IAM statements compared with AWS's service authorization reference, as cfn-lint carries it."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from components.identity import statements

ACCOUNT = statements.Account("aws", "eu-central-1", "123456789012")
TOLD = {
    "account": ACCOUNT,
    "cluster": "prod",
    "machine": "control-plane-0",
    "bucket": "arn:aws:s3:::quorate-prod-1",
    "key": "arn:aws:kms:eu-central-1:123456789012:key/1",
}


@cache
def reference() -> Mapping[str, Any]:
    """By service; read where it lies, as cfn-lint itself takes a second to import."""
    package = find_spec("cfnlint")
    assert package
    assert package.origin
    found: Mapping[str, Any] = json.loads(
        (Path(package.origin).parent / "data/AdditionalSpecs/Policies.json").read_text()
    )
    return found


def written() -> Iterator[Mapping[str, Any]]:
    """What each function of the module that writes statements writes."""
    for _, function in inspect.getmembers(statements, inspect.isfunction):
        asked = inspect.signature(function)
        if function.__module__ == statements.__name__ and "Statement" in str(asked.return_annotation):
            made = function(**{name: TOLD[name] for name in asked.parameters})
            yield from made if isinstance(made, list) else [made]


def problem(action: str, resource: str | None, denied: bool = False) -> str:
    """What is wrong with an action and a resource that it is used with; "" where nothing is. Only a Deny may be about
    all actions of a service."""
    service, _, verb = action.partition(":")
    if verb == "*":
        return "" if denied and service in reference() else f"{action} allows all: name what is needed"
    known = reference()[service]["Actions"].get(verb.lower()) if service in reference() else None
    if known is None:
        return f"there is no action {action}"
    types = [reference()[service]["Resources"][kind.lower()] for kind in known.get("Resources", [])]
    if resource in (None, "*"):
        return f"{action} takes resources: name them" if types and resource else ""
    formats = [re.sub(r"\$\{\w+\}", "[^:]+", form) for kind in types for form in kind["ARNFormats"]]
    if not any(re.fullmatch(form, str(resource)) for form in formats):
        return f"{action} takes no resource like {resource}, but {formats or '*'}"
    return ""


@pytest.mark.parametrize("statement", list(written()), ids=lambda statement: statement.get("Sid", "trust"))
def test_every_action_exists_and_takes_the_resource_that_it_is_used_with(statement: Mapping[str, Any]) -> None:
    actions, resources = _list(statement["Action"]), _list(statement.get("Resource"))
    denied = statement["Effect"] == "Deny"
    assert [found for action in actions for resource in resources if (found := problem(action, resource, denied))] == []


def _list(told: Any) -> list[Any]:
    return told if isinstance(told, list) else [told]


def test_no_other_module_writes_statements() -> None:
    """Else its actions would not be looked at here. Requests name an action, too."""
    requests = {"node/control_plane/aws_query.py"}
    found = {
        str(path.relative_to(root))
        for root in [files("components")]
        for path in root.rglob("*.py")  # type: ignore[attr-defined]
        if re.search(r"[\"']Action[\"']\s*:", path.read_text())
    }
    assert found == {"identity/statements.py", *requests}


@pytest.mark.parametrize(
    ("action", "resource", "said"),
    [
        ("ssm:GetParametr", "*", "there is no action"),
        ("sssm:GetParameter", "*", "there is no action"),
        ("ssm:GetParameter", "*", "name them"),
        ("ssm:GetParameter", "arn:aws:s3:::bucket", "takes no resource like"),
        ("autoscaling:DescribeAutoScalingGroups", "arn:aws:autoscaling:eu-central-1:1:autoScalingGroup:x", "takes no"),
        ("ssm:GetParameter", "arn:aws:ssm:eu-central-1:1:parameter/x", ""),
        ("s3:*", "arn:aws:s3:::bucket", "allows all"),
    ],
)
def test_what_aws_would_refuse_or_never_allow_is_found(action: str, resource: str, said: str) -> None:
    assert said in problem(action, resource)
    assert bool(said) == bool(problem(action, resource))
