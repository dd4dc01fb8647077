"""What a service's model demands of the members of a request: botocore's validator, and what a client need not check.

Clients check which members are required and of which type, and lower bounds. AWS checks upper bounds, enums and
patterns too.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import regex
from botocore.model import Shape
from botocore.validate import ParamValidator

_OPEN_ENUMS = {"InstanceType", "BucketLocationConstraint", "VPCRegion", "ResourceRecordSetRegion", "CloudWatchRegion"}
"""AWS adds to these between two releases of botocore: whether a value exists is for the account to say."""


@dataclass(frozen=True)
class Violation:
    """`kind` is `missing`, `type` or `constraint`; `path` is botocore's, such as `Tags[0].Key`."""

    kind: str
    path: str
    demand: str
    value: str | None = None


class _Violations(list[Violation]):
    def report(self, name: str, reason: str, **told: Any) -> None:
        """What botocore's validator calls."""
        if reason == "missing required field":
            path = f"{name}.{told['required_name']}"
            self.append(Violation("missing", path.lstrip("."), "Member must not be null"))
        else:
            self.append(Violation("type", name.lstrip("."), f"{reason}: {', '.join(told.get('valid_types', ()))}"))


class _Validator(ParamValidator):  # type: ignore[misc]
    VALIDATED_METADATA_ATTRS = ParamValidator.VALIDATED_METADATA_ATTRS | {"max", "enum", "pattern"}

    def __init__(self, patterns: bool) -> None:
        self._patterns = patterns

    def _validate_string(self, param: Any, shape: Shape, errors: _Violations, name: str) -> None:
        if not isinstance(param, str):
            errors.report(name, "invalid type", valid_types=["string"])
            return
        _check_range(len(param), "length", param, shape, errors, name)
        known, wanted = shape.metadata.get("enum"), shape.metadata.get("pattern")
        if known and param not in known and shape.name not in _OPEN_ENUMS:
            _refuse(f"Member must satisfy enum value set: [{', '.join(known)}]", param, shape, errors, name)
        if wanted and self._patterns and not compiled(wanted).fullmatch(param):
            _refuse(f"Member must satisfy regular expression pattern: {wanted}", param, shape, errors, name)

    def _validate_list(self, param: Any, shape: Shape, errors: _Violations, name: str) -> None:
        if isinstance(param, list):
            _check_range(len(param), "length", param, shape, errors, name)
            for n, item in enumerate(param):
                self._validate(item, shape.member, errors, f"{name}[{n}]")
        else:
            errors.report(name, "invalid type", valid_types=["list"])

    def _validate_integer(self, param: Any, shape: Shape, errors: _Violations, name: str) -> None:
        if isinstance(param, int) and not isinstance(param, bool):
            _check_range(param, "value", param, shape, errors, name)
        else:
            errors.report(name, "invalid type", valid_types=[shape.type_name])

    _validate_long = _validate_integer


def violations(members: Any, shape: Shape, patterns: bool = True) -> list[Violation]:
    """All that is wrong with these members of a structure; `patterns` says whether the model's are to be believed."""
    found = _Violations()
    _Validator(patterns)._validate(members, shape, found, name="")
    return found


@cache
def compiled(pattern: str) -> regex.Pattern[str]:
    """A pattern of a model. It is Java's: it has classes of Unicode, and pairs of surrogates for what is above FFFF."""
    pattern = pattern.replace(r"\uD800\uDC00-\uDBFF\uDFFF", r"\U00010000-\U0010FFFF")
    return regex.compile(pattern, 0 if r"\p{" in pattern else regex.ASCII)


def _check_range(size: int, of: str, param: Any, shape: Shape, errors: _Violations, name: str) -> None:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and size < least:
        _refuse(f"Member must have {of} greater than or equal to {least}", param, shape, errors, name)
    if most is not None and size > most:
        _refuse(f"Member must have {of} less than or equal to {most}", param, shape, errors, name)


def _refuse(demand: str, param: Any, shape: Shape, errors: _Violations, name: str) -> None:
    value = None if shape.metadata.get("sensitive") else str(param)
    errors.append(Violation("constraint", name.lstrip("."), demand, value))
