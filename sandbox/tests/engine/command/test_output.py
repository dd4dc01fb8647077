"""Output of a command, as it is kept, logged and shown in errors."""

from __future__ import annotations

import pytest

from sandbox.engine.command.output import Output
from sandbox.engine.serving import ReportedError


def test_output_is_logged_by_line_and_kept_whole() -> None:
    lines: list[str] = []
    output = Output(lines.append, "stdout")
    for stream, chunk in (("stdout", b"on"), ("stderr", b"hidden\n"), ("stdout", b"e\r\ntw"), ("stdout", b"o")):
        output.add(stream, chunk)
    output.add("stdout", b"")
    output.add("stderr", b"")
    assert lines == ["one", "two"]
    assert output.results() == ("one\r\ntwo", "hidden")
    assert str(output.failure("exit status 1", 'say "x"')) == (
        'exit status 1: running "say \\"x\\"":\nonhidden\ne\r\ntwo'
    )


def test_a_logged_line_that_the_original_hangs_on_is_an_error() -> None:
    output = Output(lambda line: None, None)
    output.add("stdout", b"x" * 65535)
    with pytest.raises(ReportedError, match="64 KiB or more, on which the plugin command hangs"):
        output.add("stdout", b"x")
    Output(lambda line: None, "none").add("stdout", b"x" * 100_000)
