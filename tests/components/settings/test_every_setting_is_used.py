"""No setting is taken and silently left out: the program reads each."""

from __future__ import annotations

import ast
from dataclasses import fields, is_dataclass

from components.settings.decode import type_hints
from components.settings.model import Settings
from tests.components.settings.stack_files import CHECKOUT


def attributes_read() -> set[str]:
    """The names of all attributes that the program's modules outside the settings read."""
    modules = [path for path in (CHECKOUT / "components").rglob("*.py") if "settings" not in path.parts]
    trees = [ast.parse(path.read_text()) for path in (*modules, CHECKOUT / "__main__.py")]
    return {node.attr for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


def test_every_setting_is_read_by_the_program() -> None:
    read = attributes_read()
    unread = {
        f"{group.name}.{field.name}"
        for group in fields(Settings)
        if is_dataclass(kind := type_hints(Settings)[group.name])
        for field in fields(kind)
        if field.name not in read
    }
    assert unread == set()
