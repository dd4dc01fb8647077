"""Stack files that make no sense end in sentences, whoever reads them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

import pulumi
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pulumi.runtime.config import set_all_config

from components.settings.load import settings_of
from components.settings.stack_file import read_stack_file
from operations.cli import main
from tests.components.long_settings import long_labels, long_taints, with_long_arguments
from tests.components.settings.bad_settings import BAD as BAD_SETTINGS
from tests.components.settings.bad_stack_files import BAD, DAMAGED
from tests.components.settings.bad_stack_files import SMALL as SMALL_FILE
from tests.components.settings.stack_files import CHECKOUT, LARGE, SMALL, changed, key_paths

# More of them: QUORATE_EXAMPLES=20000.
EXAMPLES: Final = int(os.environ.get("QUORATE_EXAMPLES", "60"))


def told(folder: Path, content: bytes, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """What the report says against a stack file, and how it ends; no traceback comes through."""
    (folder / "Pulumi.bad.yaml").write_bytes(content)
    code = main(["report", "--stack", "bad", "--stacks", str(folder)])
    printed = capsys.readouterr()
    assert (printed.out == "") == (code != 0)
    assert printed.err.replace("\n", "").isprintable()
    return code, printed.err


def refused(folder: Path, groups: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> str:
    """What the report says of a stack file, which it must refuse."""
    config = {f"quorate:{key}": value for key, value in groups.items()}
    content = yaml.safe_dump({"config": {"aws:region": "eu-central-1", **config}})
    code, said = told(folder, content.encode(), capsys)
    assert code == 1
    assert said.startswith("error: the settings of stack bad don't hold:")
    return said


def test_every_bad_setting_is_refused_with_its_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for values, key_path, remedy in BAD_SETTINGS:
        said = refused(tmp_path, changed(SMALL, **values), capsys)
        assert f"quorate:{key_path}" in said
        assert remedy in " ".join(said.split())


@pytest.mark.parametrize(
    ("groups", "key_path"),
    [
        (with_long_arguments(SMALL), "controlPlane.apiServerArguments"),
        (changed(SMALL, workers=[{"name": "general", "labels": long_labels()}]), "workers[0].labels"),
        (changed(SMALL, workers=[{"name": "general", "taints": long_taints()}]), "workers[0].taints"),
    ],
    ids=["arguments", "labels", "taints"],
)
def test_user_data_beyond_what_ec2_takes_is_refused_with_its_key(
    groups: dict[str, Any], key_path: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert f"quorate:{key_path}" in refused(tmp_path, groups, capsys)


def test_a_value_of_another_kind_anywhere_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in key_paths(LARGE):
        stack: Any = changed(LARGE)
        place = stack
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = [[{"a": None}]]
        assert str(path[0]) in refused(tmp_path, stack, capsys)


@pytest.mark.parametrize(
    ("text", "key_path", "found", "remedy"), BAD, ids=[f"{path[:40]}-{n}" for n, (_, path, _, _) in enumerate(BAD)]
)
def test_a_bad_stack_file_is_refused_with_key_path_found_and_remedy(
    text: str, key_path: str, found: str, remedy: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = told(tmp_path, text.encode(), capsys)
    assert code == 1
    lines = said.splitlines()
    places = [n for n, line in enumerate(lines) if line.partition(". ")[2].startswith(key_path)]
    assert any(found in lines[n + 1] and remedy in lines[n + 2] for n in places), said


def test_the_list_of_bad_stack_files_is_long_and_nothing_is_in_it_twice() -> None:
    assert len(BAD) == len({text for text, _, _, _ in BAD}) > 150


@pytest.mark.parametrize(("text", "key_path"), [(text, key_path) for text, key_path, _, _ in BAD])
def test_what_pulumi_takes_of_a_bad_stack_file_is_refused_by_the_program_too(text: str, key_path: str) -> None:
    file = read_stack_file(text.encode())
    if file.problems:
        return  # Pulumi refuses it, or may read it otherwise.
    set_all_config(dict(file.config), list(file.secret))
    try:
        with pytest.raises(pulumi.RunError) as refusal:
            settings_of(file.config, "bad", None, beside=file.ignored)
    finally:
        set_all_config({}, [])
    assert key_path in str(refusal.value)


@pytest.mark.parametrize(("content", "said"), DAMAGED, ids=[str(n) for n in range(len(DAMAGED))])
def test_a_damaged_file_is_refused_in_a_sentence(
    content: bytes, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, printed = told(tmp_path, content, capsys)
    assert code == 1
    assert "Pulumi.bad.yaml" in printed
    assert said in printed


def test_a_folder_in_place_of_a_file_is_refused_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "Pulumi.bad.yaml").mkdir()
    assert main(["report", "--stack", "bad", "--stacks", str(tmp_path)]) == 1
    assert "can't be read: Is a directory" in capsys.readouterr().err


def test_the_small_file_of_these_tests_is_accepted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(tmp_path, SMALL_FILE.encode(), capsys) == (0, "")


FILES: Final = [SMALL_FILE.encode(), (CHECKOUT / "stacks/Pulumi.prod.yaml").read_bytes()]
SNIPPETS: Final = st.sampled_from(
    [
        *"[]{}:,-#&*!|>'\"%@`?~\n\t\\", "<<", "---", "...", "0x1", "1e999", "2026-01-02", ".nan", "!!int", "&a ",
        "*a ", "<<: ", "\ufeff", "\u2028", "\u202e", "\x85", "null", "08", "config:", "quorate:", "[" * 9, "]" * 9,
        "{secure: x}",
    ]
)  # fmt: skip
PIECES: Final = SNIPPETS.map(str.encode) | st.binary(max_size=4) | st.text(max_size=4).map(lambda t: t.encode("utf-8"))
EDITS: Final = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 30), PIECES), min_size=1, max_size=5)
VALUES: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.integers(), inner, max_size=3),
    max_leaves=8,
)


def edited(content: bytes, edits: list[tuple[float, int, bytes]]) -> bytes:
    for place, length, piece in edits:
        start = int(place * len(content))
        content = content[:start] + piece + content[start + length :]
    return content


def replaced(path: tuple[Any, ...], value: Any) -> bytes:
    stack: Any = changed(LARGE)
    place = stack
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    config = {f"quorate:{key}": group for key, group in stack.items()}
    return yaml.safe_dump({"config": config}, allow_unicode=True).encode("utf-8", "surrogatepass")


CONTENTS: Final = (
    st.binary(max_size=60)
    | st.builds(edited, st.sampled_from(FILES), EDITS)
    | st.builds(replaced, st.sampled_from(key_paths(LARGE)), VALUES)
)


@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
@given(content=CONTENTS)
def test_no_bytes_of_a_stack_file_end_in_a_traceback(
    content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = told(tmp_path, content, capsys)
    assert code == 0 or said.startswith("error: ")
    assert len(said) < 100_000
