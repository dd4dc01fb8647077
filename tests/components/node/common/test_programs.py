"""What is said of a program that fails."""

from __future__ import annotations

import re

import pytest

from components.node.common.failure import Failure
from components.node.common.programs import run


def said(script: str) -> str:
    with pytest.raises(Failure) as failure:
        run(["bash", "-c", script])
    return str(failure.value)


def test_a_program_that_fails_is_quoted_with_its_last_lines() -> None:
    assert said("seq 9 >&2; exit 3") == "bash ended with 3: 5 / 6 / 7 / 8 / 9"
    assert said("echo to standard output; exit 1") == "bash ended with 1: to standard output"
    assert said("exit 1") == "bash ended with 1: it printed nothing"


def test_a_panic_is_quoted_with_its_reason_and_not_with_its_stack() -> None:
    trace = (
        r"panic: page 7 already freed\n\ngoroutine 1 [running]:\nmain.main()\n\ta.go:1\nb()\n\ta.go:2\nc()\n\ta.go:3"
    )
    assert said(f"printf '{trace}' >&2; exit 2") == "bash ended with 2: panic: page 7 already freed"


def test_a_program_that_is_not_there_or_does_not_end_is_named() -> None:
    with pytest.raises(Failure, match="there-is-none is not installed on this machine"):
        run(["there-is-none"])
    with pytest.raises(Failure, match=re.escape("sleep did not end within 0s")):
        run(["sleep", "5"], seconds=0.1)
