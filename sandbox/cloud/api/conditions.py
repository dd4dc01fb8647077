"""Conditions of IAM policies (pure)."""

from __future__ import annotations

import datetime
import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

Facts = Callable[[str], "tuple[str, ...] | None"]
"""The values that a request has for a condition key; None where it has none. Raises NotModelled for an unknown key."""


class NotModelled(Exception):
    """A policy says something that is not judged here; the message names it."""


def wildcards(pattern: str, value: str, ignore_case: bool = False) -> bool:
    """`*` for any number of characters, `?` for one."""
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return bool(re.fullmatch(expression, value, re.DOTALL | (re.IGNORECASE if ignore_case else re.NOFLAG)))


def holds(condition: Mapping[str, Mapping[str, Any]], facts: Facts) -> bool:
    """Whether all keys of all operators of a statement's Condition fit."""
    return all(
        _fits(operator, key, [str(v).lower() if isinstance(v, bool) else str(v) for v in _list(wanted)], facts(key))
        for operator, keys in condition.items()
        for key, wanted in keys.items()
    )


def _fits(operator: str, key: str, wanted: list[str], values: tuple[str, ...] | None) -> bool:
    if any("${" in one for one in wanted):
        raise NotModelled(f"the sandbox does not judge the policy variable in the condition on {key}")
    quantifier, _, name = operator.rpartition(":")
    if name == "Null":
        return (values is None) is (wanted[0] == "true")
    base = name.removesuffix("IfExists")
    negated, matches = "Not" in base, _OPERATORS.get(base.replace("Not", ""))
    if matches is None or quantifier not in ("", "ForAnyValue", "ForAllValues"):
        raise NotModelled(f"the sandbox does not judge the condition operator {operator}")
    if values is None:
        # A key that is not there is unlike every value.
        return name != base or quantifier == "ForAllValues" or (negated and not quantifier)
    fitting = [any(matches(one, value) for one in wanted) is not negated for value in values]
    return all(fitting) if quantifier == "ForAllValues" or (negated and not quantifier) else any(fitting)


def _arn(pattern: str, value: str) -> bool:
    """Part by part: the wildcards of a part do not reach into the next."""
    wanted, told = pattern.split(":", 5), value.split(":", 5)
    return len(wanted) == len(told) and all(map(wildcards, wanted, told))


def _address(network: str, value: str) -> bool:
    return ipaddress.ip_address(value) in ipaddress.ip_network(network, strict=False)


def _moment(text: str) -> float:
    return float(text) if text.isdigit() else datetime.datetime.fromisoformat(text).timestamp()


def _compared(read: Callable[[str], float]) -> dict[str, Callable[[str, str], bool]]:
    return {
        "Equals": lambda wanted, value: read(value) == read(wanted),
        "LessThan": lambda wanted, value: read(value) < read(wanted),
        "LessThanEquals": lambda wanted, value: read(value) <= read(wanted),
        "GreaterThan": lambda wanted, value: read(value) > read(wanted),
        "GreaterThanEquals": lambda wanted, value: read(value) >= read(wanted),
    }


# What is wanted, what the request has. `Not` in an operator's name turns it round.
_OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda wanted, value: wanted == value,
    "StringEqualsIgnoreCase": lambda wanted, value: wanted.lower() == value.lower(),
    "StringLike": wildcards,
    "ArnEquals": _arn,
    "ArnLike": _arn,
    "Bool": lambda wanted, value: wanted.lower() == value.lower(),
    "IpAddress": _address,
    **{f"Numeric{name}": matches for name, matches in _compared(float).items()},
    **{f"Date{name}": matches for name, matches in _compared(_moment).items()},
}


def _list(one_or_many: Any) -> Iterable[Any]:
    return one_or_many if isinstance(one_or_many, list) else [one_or_many]
