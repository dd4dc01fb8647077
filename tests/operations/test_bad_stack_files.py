"""Stack files that make no sense end in sentences, whoever reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from operations.cli import main
from tests.components.long_settings import with_long_arguments
from tests.components.settings.bad_settings import BAD
from tests.components.settings.stack_files import LARGE, SMALL, changed, key_paths


def refused(folder: Path, groups: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> str:
    """What the report says of a stack file, which it must refuse."""
    config = {f"quorate:{key}": value for key, value in groups.items()}
    (folder / "Pulumi.bad.yaml").write_text(yaml.safe_dump({"config": {"aws:region": "eu-central-1", **config}}))
    assert main(["report", "--stack", "bad", "--stacks", str(folder)]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("error: the settings of stack bad don't hold:")
    assert "Traceback" not in told.err
    return told.err


def test_every_bad_stack_file_is_refused_with_its_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for values, key_path, remedy in BAD:
        told = refused(tmp_path, changed(SMALL, **values), capsys)
        assert f"quorate:{key_path}" in told
        assert remedy in " ".join(told.split())


def test_user_data_beyond_what_ec2_takes_is_refused_with_its_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "quorate:controlPlane.apiServerArguments" in refused(tmp_path, with_long_arguments(SMALL), capsys)


def test_a_value_of_another_kind_anywhere_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    places = key_paths(LARGE)
    for path in places:
        stack: Any = changed(LARGE)
        place = stack
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = [[{"a": None}]]
        assert str(path[0]) in refused(tmp_path, stack, capsys)
    assert len(BAD) + len(places) > 150
