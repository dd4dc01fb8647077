"""From a stack's whole configuration to its settings, with all problems together. Pure.

The program reads by this, and so does who describes a stack without an engine.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from components.settings.changes import moves_of_the_api, refused_changes
from components.settings.config_values import groups_of
from components.settings.formats import REGION
from components.settings.model import Settings
from components.settings.namespaces import unread_keys
from components.settings.problems import InvalidSettings, Problem, shown, shown_path
from components.settings.rules.facts import NAMESPACE
from components.settings.suggestions import nearest
from components.settings.validate import read

Check = Callable[[Settings], Iterable[Problem]]
"""What else the settings must pass, of parts that stand above them."""

_REGION_KEY: Final = "aws:region"


@dataclass(frozen=True)
class Checked:
    """Settings that can be used, and what is doubtful about them."""

    settings: Settings
    advice: tuple[Problem, ...]


def settings_in(
    config: Mapping[str, object],
    secret: Collection[str] = (),
    living: Settings | None = None,
    identified: bool = True,
    checks: Sequence[Check] = (),
    beside: Iterable[Problem] = (),
) -> Checked:
    """The settings that a configuration says: full key to value, objects as such or as JSON.

    `secret` are its encrypted keys. `living` are the settings of the cluster that is there, if there is one: it refuses
    some changes; not `identified`, also those of the API's address. `checks` see settings that hold by themselves.
    `beside` is what was found before. Raises InvalidSettings.
    """
    reading = read(groups_of(config, secret), living is not None)
    facts, settings = reading.facts, reading.facts.settings
    problems = list(beside)
    told = {problem.key_path for problem in problems}
    problems.extend(
        problem
        for problem in (*_region_problems(config), *unread_keys(config), *reading.problems)
        if problem.key_path not in told
    )
    further = list(_zones_elsewhere(config, settings))
    if living is not None:
        further.extend(refused_changes(living, settings))
        if not identified:
            further.extend(moves_of_the_api(living, settings))
    problems.extend(problem for problem in further if facts.sound(problem.key_path.removeprefix(f"{NAMESPACE}:")))
    if not reading.problems:
        problems.extend(problem for check in checks for problem in check(settings))
    if problems:
        raise InvalidSettings(problems)
    return Checked(settings, reading.advice)


def _zones_elsewhere(config: Mapping[str, object], settings: Settings) -> Iterator[Problem]:
    region = config.get(_REGION_KEY)
    for number, zone in enumerate(settings.network.zone_names):
        if isinstance(region, str) and zone[:-1] != region:
            path = f"{NAMESPACE}:network.zoneNames[{number}]"
            yield Problem(path, shown(zone), f"Name a zone of {shown_path(_REGION_KEY)}, such as {region}a.")


def _region_problems(config: Mapping[str, object]) -> Iterator[Problem]:
    region = config.get(_REGION_KEY)
    remedy = REGION.refuse(region if isinstance(region, str) else "")
    if not remedy:
        return
    others = [key for key in config if key.startswith("aws:")]
    near = nearest(_REGION_KEY, others) if region is None else None
    hint = f" Did {shown_path(near)} mean this?" if near else ""
    yield Problem(_REGION_KEY, shown(region), remedy + hint)
