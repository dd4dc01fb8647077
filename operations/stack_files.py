"""Reads what a stack says from its file, without an engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from components.delivery.user_data_limit import exceeded_user_data
from components.network.rule_limit import exceeded_rules
from components.settings.config_values import decoded
from components.settings.model import Settings
from components.settings.problems import InvalidSettings, listing
from components.settings.rules.facts import NAMESPACE
from components.settings.validate import parse
from operations.errors import OperationFailed


@dataclass(frozen=True)
class Stack:
    """A stack's name, its region and its settings."""

    name: str
    region: str
    settings: Settings


def read_stack(name: str, folder: Path) -> Stack:
    """The stack of `Pulumi.<name>.yaml` in `folder`. Raises OperationFailed, which names every problem."""
    file = folder / f"Pulumi.{name}.yaml"
    try:
        document = yaml.safe_load(file.read_text())
    except FileNotFoundError:
        known = ", ".join(sorted(found.name.split(".")[1] for found in folder.glob("Pulumi.*.yaml"))) or "none"
        raise OperationFailed(f"there is no stack {name!r} in {folder}; stacks there: {known}") from None
    except yaml.YAMLError as error:
        raise OperationFailed(f"{file} is not YAML: {error}") from None
    config = document.get("config") if isinstance(document, Mapping) else None
    if not isinstance(config, Mapping):
        raise OperationFailed(f"{file} has no `config:` with settings below it")
    return stack_of(name, {str(key): value for key, value in config.items()})


def stack_of(name: str, config: Mapping[str, Any]) -> Stack:
    """The stack that a configuration says: full key to value, objects as such or as JSON. Raises OperationFailed."""
    groups = {
        key.removeprefix(f"{NAMESPACE}:"): decoded(value)
        for key, value in config.items()
        if key.startswith(f"{NAMESPACE}:")
    }
    try:
        settings = parse(groups)
        if problems := (*exceeded_user_data(settings), *exceeded_rules(settings)):
            raise InvalidSettings(problems)
    except InvalidSettings as error:
        raise OperationFailed(f"the settings of stack {name} don't hold:\n{listing(error.problems)}") from None
    return Stack(name, str(config.get("aws:region") or ""), settings)
