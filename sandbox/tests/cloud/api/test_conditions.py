"""Operators as IAM's reference has them."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.cloud.api.conditions import NotModelled, holds

FACTS = {
    "tag": ("prod",),
    "tags": ("a", "b"),
    "arn": ("arn:aws:iam::123456789012:role/node",),
    "address": ("10.1.2.3",),
    "number": ("7",),
    "now": ("2026-11-21T12:00:00+00:00",),
    "tls": ("true",),
}


@pytest.mark.parametrize(
    ("operator", "key", "wanted", "fits"),
    [
        ("StringEquals", "tag", "prod", True),
        ("StringEquals", "tag", ["dev", "prod"], True),
        ("StringEquals", "tag", "PROD", False),
        ("StringEqualsIgnoreCase", "tag", "PROD", True),
        ("StringEquals", "none", "prod", False),
        ("StringEqualsIfExists", "none", "prod", True),
        ("StringEqualsIfExists", "tag", "dev", False),
        ("StringNotEquals", "tag", ["dev", "prod"], False),
        ("StringNotEquals", "tag", ["dev", "test"], True),
        ("StringNotEquals", "none", "prod", True),
        ("StringLike", "tag", "p*", True),
        ("StringLike", "tag", "p?", False),
        ("StringNotLike", "tag", "p*", False),
        ("ForAnyValue:StringEquals", "tags", "b", True),
        ("ForAnyValue:StringEquals", "none", "b", False),
        ("ForAllValues:StringEquals", "tags", "b", False),
        ("ForAllValues:StringLike", "tags", "?", True),
        ("ForAllValues:StringEquals", "none", "b", True),
        ("ArnLike", "arn", "arn:aws:iam::*:role/*", True),
        ("ArnEquals", "arn", "arn:*:role/node", False),
        ("ArnNotLike", "arn", "arn:aws:iam::*:user/*", True),
        ("Bool", "tls", True, True),
        ("Bool", "tls", "false", False),
        ("BoolIfExists", "none", "true", True),
        ("IpAddress", "address", ["192.0.2.0/24", "10.0.0.0/8"], True),
        ("NotIpAddress", "address", "10.1.2.3", False),
        ("NumericLessThanEquals", "number", "7", True),
        ("NumericGreaterThan", "number", 7, False),
        ("NumericNotEquals", "number", "8", True),
        ("DateGreaterThan", "now", "2026-11-21T11:00:00Z", True),
        ("DateLessThan", "now", "1700000000", False),
        ("Null", "none", "true", True),
        ("Null", "tag", "false", True),
        ("Null", "tag", True, False),
    ],
)
def test_an_operator(operator: str, key: str, wanted: Any, fits: bool) -> None:
    assert holds({operator: {key: wanted}}, FACTS.get) is fits


def test_all_keys_and_operators_must_fit() -> None:
    assert holds({"StringEquals": {"tag": "prod"}, "Bool": {"tls": "true"}}, FACTS.get)
    assert not holds({"StringEquals": {"tag": "prod", "none": "x"}}, FACTS.get)
    assert not holds({"StringEquals": {"tag": "prod"}, "Bool": {"tls": "false"}}, FACTS.get)


@pytest.mark.parametrize(
    ("operator", "wanted"), [("StringSame", "x"), ("ForNoValue:StringEquals", "x"), ("StringEquals", "${aws:userid}")]
)
def test_what_is_not_judged_is_said(operator: str, wanted: str) -> None:
    with pytest.raises(NotModelled):
        holds({operator: {"tag": wanted}}, FACTS.get)
