"""Reads what a stack says from its file, without an engine."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.delivery.user_data_limit import exceeded_user_data
from components.network.rule_limit import exceeded_rules
from components.settings.configuration import settings_in
from components.settings.model import Settings
from components.settings.problems import InvalidSettings, Problem, listing
from components.settings.stack_file import NotYaml, read_stack_file
from operations.errors import OperationFailed


@dataclass(frozen=True)
class Stack:
    """A stack's name, its region and its settings."""

    name: str
    region: str
    settings: Settings


def add_stack_to(parser: argparse.ArgumentParser) -> None:
    """Adds the options by which a command is given its stack: `--stack`, and `--stacks` for the folder."""
    parser.add_argument("--stack", required=True, help="the stack: stacks/Pulumi.STACK.yaml")
    parser.add_argument("--stacks", type=Path, default=Path("stacks"), help="the folder of the stack files")


def read_stack(name: str, folder: Path) -> Stack:
    """The stack of `Pulumi.<name>.yaml` in `folder`. Raises OperationFailed, which names every problem."""
    path = folder / f"Pulumi.{name}.yaml"
    try:
        file = read_stack_file(path.read_bytes())
    except FileNotFoundError:
        known = ", ".join(sorted(found.name.split(".")[1] for found in folder.glob("Pulumi.*.yaml"))) or "none"
        raise OperationFailed(f"there is no stack {name!r} in {folder}; stacks there: {known}") from None
    except OSError as error:
        raise OperationFailed(f"{path} can't be read: {error.strerror}") from None
    except NotYaml as error:
        raise OperationFailed(f"{path} is not YAML: {error}") from None
    beside = (*file.ignored, *file.problems)
    if not file.config:
        found = f":\n{listing(beside)}" if beside else ""
        raise OperationFailed(f"{path} has no `config:` with settings below it{found}")
    return stack_of(name, file.config, file.secret, beside)


def stack_of(
    name: str, config: Mapping[str, Any], secret: Collection[str] = (), beside: Iterable[Problem] = ()
) -> Stack:
    """The stack that a configuration says: full key to value, objects as such or as JSON. Raises OperationFailed.

    `secret` and `beside` as in settings_in.
    """
    try:
        found = settings_in(config, secret, checks=[exceeded_user_data, exceeded_rules], beside=beside)
    except InvalidSettings as error:
        raise OperationFailed(f"the settings of stack {name} don't hold:\n{listing(error.problems)}") from None
    return Stack(name, str(config["aws:region"]), found.settings)
