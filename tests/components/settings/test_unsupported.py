"""No setting is taken and silently left out: the program uses it, or refuses it as not built yet."""

from __future__ import annotations

import ast
from dataclasses import fields, is_dataclass
from typing import Final

from components.settings.decode import type_hints
from components.settings.model import Settings
from components.settings.unsupported import unsupported
from components.settings.validate import parse
from tests.components.settings.stack_files import CHECKOUT, LARGE, SMALL

# Read by none, because what they belong to is refused as a whole.
NOT_BUILT: Final = {
    "backups.enabled",
    "backups.interval_hours",
    "backups.retention_days",
}


def attributes_read() -> set[str]:
    """The names of all attributes that the program's modules outside the settings read."""
    modules = [path for path in (CHECKOUT / "components").rglob("*.py") if "settings" not in path.parts]
    trees = [ast.parse(path.read_text()) for path in (*modules, CHECKOUT / "__main__.py")]
    return {node.attr for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


def test_every_setting_is_read_by_the_program_or_known_as_not_built() -> None:
    read = attributes_read()
    unread = {
        f"{group.name}.{field.name}"
        for group in fields(Settings)
        if is_dataclass(kind := type_hints(Settings)[group.name])
        for field in fields(kind)
        if field.name not in read
    }
    assert unread <= NOT_BUILT


def test_what_the_program_builds_is_not_refused() -> None:
    assert unsupported(parse(SMALL)) == ()


def test_everything_that_is_not_built_is_named_with_what_to_use_instead() -> None:
    problems = unsupported(parse(LARGE))
    assert len(problems) == len({problem.key_path for problem in problems}) == 1
    assert all(problem.remedy.startswith("Not built yet: ") for problem in problems)
