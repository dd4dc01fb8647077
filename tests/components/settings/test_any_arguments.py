"""Whatever value an argument of the API server gets, it is taken or refused in a sentence that can be printed."""

from __future__ import annotations

import itertools
from typing import Final

import pytest

from components.settings.rules.api_server_flags import FLAGS
from components.settings.rules.arguments import doubtful_arguments, refused_arguments

NAMES: Final = [name for names in FLAGS.values() for name in names.split()]
VALUES: Final = (
    "", " ", ",", ",,", "=", "a=", "=b", "a=b=c", "-", "--", "---", "/", "//", "0", "-0", "1e9", "1e99", "9" * 2000,
    "-" + "9" * 30, "nan", "inf", "0x10", "٣", "1٣s", "1" * 99 + "s", "1h" * 900, "." * 2000, "1.", ".5s", "s", "µs",
    "true,false", "a," * 900, "\u202egpj", "\u200b", "\U0001f600", "kube:", "kube:=true", "A" * 2000 + "=true",
    "api/", "/v1=true", "a" * 1900 + "/v1=true", "(" * 1000, "^" + "(a+)+" * 300 + "$", "https://", "https://\u200b",
    "max-age=", "#", "pods#", "1.36", "kube=1.36", "1.999", "NodeRestriction", "NodeRestriction," * 100,
)  # fmt: skip


@pytest.mark.parametrize("minor", [35, 36, 37])
def test_no_value_of_any_argument_makes_judging_it_fail(minor: int) -> None:
    for name, value in itertools.product([*NAMES, "unknown-argument", "x" * 1000], VALUES):
        for judge in (refused_arguments, doubtful_arguments):
            for key, remedy in judge({name: value}, minor):
                assert key == name
                assert remedy.isprintable()
                assert len(remedy) < 400, (name, value)


def test_no_two_arguments_together_make_judging_them_fail() -> None:
    for first, second in itertools.pairwise(NAMES):
        for value in ("true", "0", "5s", "x", ""):
            assert all(remedy for _, remedy in refused_arguments({first: value, second: value}, 36))
