"""The only reader of the stack's configuration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pulumi
from pulumi.runtime.config import CONFIG, get_config_env, is_config_secret

from components.settings.configuration import Check, settings_in
from components.settings.model import Settings
from components.settings.problems import InvalidSettings, Problem, listing
from components.settings.stack_file import FOLDER, ignored_by_pulumi

_POLICIES = (
    "a preview runs no policies by itself, and this stack is to survive a lost machine: run "
    "`pulumi preview --policy-pack policies`."
)


def load(living: Settings | None, identified: bool = True, checks: Sequence[Check] = ()) -> Settings:
    """The stack's settings, checked, also against those of the cluster that is there, if there is one.

    Not `identified`: pulumi-kubernetes knows that cluster by the API's address alone, which may not change then.
    Raises pulumi.RunError, which names every problem, before anything is made or changed.
    """
    config, stack = {**get_config_env(), **CONFIG.get()}, pulumi.get_stack()
    file = Path(pulumi.runtime.get_root_directory() or ".") / FOLDER / f"Pulumi.{stack}.yaml"
    settings = settings_of(config, stack, living, identified, checks, _ignored(file, config))
    if pulumi.runtime.is_dry_run() and settings.highly_available:
        pulumi.log.info(_POLICIES)
    return settings


def settings_of(
    config: Mapping[str, str],
    stack: str,
    living: Settings | None,
    identified: bool = True,
    checks: Sequence[Check] = (),
    beside: Iterable[Problem] = (),
) -> Settings:
    """The settings in a stack's whole configuration (full key to string, objects as JSON)."""
    secret = [key for key in config if is_config_secret(key)]
    try:
        found = settings_in(config, secret, living, identified, checks, beside)
    except InvalidSettings as error:
        raise refusal(stack, error.problems) from None
    for advice in found.advice:
        pulumi.log.warn(str(advice))
    return found.settings


def _ignored(file: Path, config: Mapping[str, str]) -> Sequence[Problem]:
    """What the engine leaves out of the configuration that it read from this file."""
    try:
        return ignored_by_pulumi(file.read_bytes(), config)
    except OSError:
        # With `--config-file`, or a configuration that Pulumi Cloud keeps.
        return ()


def refusal(stack: str, problems: Sequence[Problem]) -> pulumi.RunError:
    """The end of a run for what is wrong with a stack's settings."""
    count = "one problem" if len(problems) == 1 else f"{len(problems)} problems"
    return pulumi.RunError(
        f"the settings of stack {stack} have {count}; nothing was created or changed.\n{listing(problems)}\n"
        "  docs/settings.md lists every setting."
    )
