"""What is generated from the model is current, and agrees with what the program accepts."""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass
from typing import Any, get_args

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml

from components.settings.about import About, about_of, key_of
from components.settings.decode import type_hints
from components.settings.document import files, settings_page
from components.settings.model import Settings
from components.settings.rules.facts import NAMESPACE
from components.settings.schema import stack_file_schema
from components.settings.stack_file import FOLDER
from tests.components.settings.bad_settings import BAD
from tests.components.settings.stack_files import CHECKOUT, LARGE, SMALL, changed, committed


def models(model: Any = Settings) -> list[Any]:
    """The dataclasses of the model, from the top."""
    kinds = [kind for hint in type_hints(model).values() for kind in (hint, *get_args(hint)) if is_dataclass(kind)]
    return [model, *(inner for kind in kinds for inner in models(kind))]


def stack_file(groups: dict[str, Any]) -> dict[str, Any]:
    return {"config": {"aws:region": "eu-central-1", **{f"quorate:{key}": value for key, value in groups.items()}}}


@pytest.mark.parametrize("path", files(), ids=lambda path: path.name)
def test_the_generated_file_is_current(path: Any) -> None:
    assert path.read_text() == files()[path], "run: python -m components.settings.document"


def test_every_setting_says_what_it_is() -> None:
    for model in models():
        for field in fields(model):
            about = about_of(field)
            assert isinstance(about, About)
            assert about.says.endswith("."), field.name


def test_every_key_is_in_the_page() -> None:
    page = settings_page()
    for model in models():
        for field in fields(model):
            assert f"`{key_of(field.name)}`" in page or f"`quorate:{key_of(field.name)}`" in page


def test_a_refused_change_has_its_reason_in_the_page() -> None:
    for line in settings_page().splitlines():
        if line.startswith("| `") and "refused on an existing cluster" in line and "a smaller value" not in line:
            assert re.search(r"refused on an existing cluster: \w+", line), line


def test_the_schema_is_one() -> None:
    jsonschema.Draft7Validator.check_schema(stack_file_schema())


@pytest.mark.parametrize("groups", [SMALL, LARGE], ids=["small", "large"])
def test_the_schema_accepts_what_the_program_accepts(groups: dict[str, Any]) -> None:
    jsonschema.Draft7Validator(stack_file_schema()).validate(stack_file(groups))


@pytest.mark.parametrize("stack", ["education", "dev", "prod"])
def test_the_schema_accepts_the_committed_stack_and_the_stack_names_it(stack: str) -> None:
    jsonschema.Draft7Validator(stack_file_schema()).validate({"config": committed(stack), "encryptionsalt": "v1"})
    first = (CHECKOUT / f"stacks/Pulumi.{stack}.yaml").read_text().splitlines()[0]
    assert first == "# yaml-language-server: $schema=settings.schema.json"


def test_the_schema_refuses_a_third_of_what_the_program_refuses_the_rest_takes_other_values_into_account() -> None:
    validator = jsonschema.Draft7Validator(stack_file_schema())
    refused = [values for values, _, _ in BAD if not validator.is_valid(stack_file(changed(SMALL, **values)))]
    assert len(refused) > len(BAD) / 3


def test_the_project_leaves_shapes_to_the_program_which_says_more_about_them_and_all_at_once() -> None:
    project = yaml.safe_load((CHECKOUT / "Pulumi.yaml").read_text())
    assert "config" not in project
    assert (project["name"], project["stackConfigDir"]) == (NAMESPACE, FOLDER)
