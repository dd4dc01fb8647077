"""The report, from stack files to pages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from operations.cli import main
from operations.report.page import report
from operations.report.render import FORMATS, markdown
from tests.operations.stacks import DEV, EDUCATION, PROD, STACKED, stack


def stack_file(folder: Path, groups: dict[str, Any], region: str | None = "eu-central-1") -> None:
    config = {f"quorate:{name}": value for name, value in groups.items()}
    if region:
        config["aws:region"] = region
    (folder / f"Pulumi.{groups['cluster']['name']}.yaml").write_text(json.dumps({"config": config}))


@pytest.mark.parametrize("groups", [EDUCATION, DEV, STACKED, PROD])
@pytest.mark.parametrize("form", FORMATS)
def test_every_shape_has_every_section_in_every_form(groups: dict[str, Any], form: str) -> None:
    text = FORMATS[form](report(stack(groups)))
    for title in (
        "Topology",
        "Cost per month",
        "What fails, and what happens then",
        "Quorum",
        "Side by side",
        "Limits",
    ):
        assert title in text


def test_the_report_names_price_date_region_and_what_is_not_included() -> None:
    text = markdown(report(stack(PROD)))
    assert "Prices of eu-central-1, recorded 20" in text
    assert "Not included: traffic" in text


def test_a_region_without_prices_is_said_and_nothing_is_invented() -> None:
    text = markdown(report(stack(PROD, "mars-north-1")))
    assert "No prices are recorded for mars-north-1" in text
    assert "About" not in text.split("## Topology")[0]


def test_the_command_writes_the_form_that_the_file_name_says(tmp_path: Path) -> None:
    stack_file(tmp_path, PROD)
    arguments = ["report", "--stack", "prod", "--stacks", str(tmp_path), "--output"]
    for name, start in (("r.html", "<!doctype html>"), ("r.md", "# Stack prod"), ("r.txt", "Stack prod")):
        assert main([*arguments, str(tmp_path / name)]) == 0
        assert (tmp_path / name).read_text().startswith(start)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("config: [", "is not YAML"),
        ("- 1", "has no `config:`"),
        ('{"config": {"quorate:network": {"zones": 9}}}', "quorate:network.zones"),
        ('{"config": {"quorate:cluster": "text"}}', "quorate:cluster"),
    ],
)
def test_an_unusable_stack_file_is_a_sentence_and_no_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, said: str
) -> None:
    (tmp_path / "Pulumi.odd.yaml").write_text(content)
    assert main(["report", "--stack", "odd", "--stacks", str(tmp_path)]) == 1
    assert said in capsys.readouterr().err


def test_an_unknown_stack_is_answered_with_the_known_ones(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stack_file(tmp_path, EDUCATION)
    assert main(["report", "--stack", "eduction", "--stacks", str(tmp_path)]) == 1
    assert "stacks there: education" in capsys.readouterr().err
