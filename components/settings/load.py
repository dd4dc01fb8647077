"""The only reader of the stack's configuration."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import pulumi
from pulumi.runtime.config import CONFIG, get_config_env, is_config_secret

from components.settings.changes import moves_of_the_api, refused_changes
from components.settings.config_values import decoded
from components.settings.formats import REGION
from components.settings.model import Settings
from components.settings.problems import InvalidSettings, Problem, listing, shown
from components.settings.rules.facts import NAMESPACE
from components.settings.unsupported import unsupported
from components.settings.validate import checked

_POLICIES = (
    "a preview runs no policies by itself, and this stack is to survive a lost machine: run "
    "`pulumi preview --policy-pack policies`."
)
Check = Callable[[Settings], Iterable[Problem]]
"""What else the settings must pass, of parts that stand above them."""


def load(living: Settings | None, identified: bool = True, checks: Sequence[Check] = ()) -> Settings:
    """The stack's settings, checked, also against those of the cluster that is there, if there is one.

    Not `identified`: pulumi-kubernetes knows that cluster by the API's address alone, which may not change then.
    Raises pulumi.RunError, which names every problem, before anything is made or changed.
    """
    settings = settings_of({**get_config_env(), **CONFIG.get()}, pulumi.get_stack(), living, identified, checks)
    if pulumi.runtime.is_dry_run() and settings.highly_available:
        pulumi.log.info(_POLICIES)
    return settings


def settings_of(
    config: Mapping[str, str],
    stack: str,
    living: Settings | None,
    identified: bool = True,
    checks: Sequence[Check] = (),
) -> Settings:
    """The settings in a stack's whole configuration (full key to string, objects as JSON).

    `living` are those of the cluster that is there, if there is one: it refuses some changes.
    """
    problems = [*_region_problems(config), *_secret_problems(config)]
    secret = {problem.key_path for problem in problems}
    groups = {
        key.removeprefix(f"{NAMESPACE}:"): decoded(value)
        for key, value in config.items()
        if key.startswith(f"{NAMESPACE}:") and key not in secret
    }
    try:
        found = checked(groups, living is not None)
    except InvalidSettings as error:
        raise refusal(stack, [*problems, *error.problems]) from None
    settings = found.settings
    for check in (unsupported, *checks):
        problems.extend(check(settings))
    if living is not None:
        problems.extend(refused_changes(living, settings))
        if not identified:
            problems.extend(moves_of_the_api(living, settings))
    if problems:
        raise refusal(stack, problems)
    for advice in found.advice:
        pulumi.log.warn(str(advice))
    return settings


def _region_problems(config: Mapping[str, str]) -> Iterator[Problem]:
    region = config.get("aws:region")
    remedy = REGION.refuse(region or "")
    if remedy:
        yield Problem("aws:region", shown(region), remedy)


def _secret_problems(config: Mapping[str, str]) -> Iterator[Problem]:
    for key in config:
        if key.startswith(f"{NAMESPACE}:") and is_config_secret(key):
            yield Problem(
                key,
                "an encrypted value",
                "Write it in plain text: settings are shown in previews and carry no secrets.",
            )


def refusal(stack: str, problems: Sequence[Problem]) -> pulumi.RunError:
    """The end of a run for what is wrong with a stack's settings."""
    count = "one problem" if len(problems) == 1 else f"{len(problems)} problems"
    return pulumi.RunError(
        f"the settings of stack {stack} have {count}; nothing was created or changed.\n{listing(problems)}\n"
        "  docs/settings.md lists every setting."
    )
