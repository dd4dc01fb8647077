"""From the plain values of a stack file to the model's dataclasses, by their types. Pure.

Each value is checked by itself here: type, limits, syntax, unknown keys. What values say together is rules.py's.
A value that is refused is replaced by its default, so that one problem doesn't hide the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass
from enum import StrEnum
from functools import cache
from typing import Any, Final, get_args, get_origin, get_type_hints

from components.settings.about import About, about_of, key_of
from components.settings.config_values import Unreadable
from components.settings.model import Settings
from components.settings.problems import Problem, path_of_entry, shown, shown_path
from components.settings.rules.facts import NAMESPACE
from components.settings.suggestions import did_you_mean, nearest
from components.settings.syntax import Syntax

_UNUSABLE = object()
# How alike two keys are of which one is the other misspelt: volumeType and volumeGib are less.
# Keys that people look for, and why there are none.
_NO_SETTINGS: Final = {
    "volumetype": "all disks are gp3",
    "iops": "all disks are gp3, with its 3000 IOPS",
    "throughput": "all disks are gp3, with its 125 MiB/s",
    "encrypted": "all disks are encrypted",
    "ami": "machines boot the newest Debian 12",
    "image": "machines boot the newest Debian 12",
}


@dataclass
class Decoder:
    """Collects `problems`, the `unsound` key paths whose values were replaced, and the paths that were `given`.

    `recorded`: an earlier release took these values, so they are read whatever this one thinks of them.
    """

    problems: list[Problem] = field(default_factory=list)
    unsound: set[str] = field(default_factory=set)
    given: set[str] = field(default_factory=set)
    recorded: bool = False

    def record(self, model: Any, raw: object, path: str, label: Callable[[str], str]) -> Any:
        """A `model` (a dataclass) from a mapping. `label` makes the key path of one of its keys."""
        if not isinstance(raw, Mapping):
            self._refuse(path, raw, f"Write an object here, its keys indented below it: {_keys(model)}.")
            return _blank(model)
        model_fields = {key_of(f.name): f for f in fields(model)}
        values: dict[str, Any] = {}
        for key in raw:
            if key not in model_fields:
                self._unknown(model, label(str(key)), str(key))
        for key, model_field in model_fields.items():
            values[model_field.name] = self._member(model, model_field, raw, key, label(key))
        return model(**values)

    def _member(self, model: Any, model_field: Field[Any], raw: Mapping[Any, object], key: str, path: str) -> Any:
        kind = type_hints(model)[model_field.name]
        if key in raw:
            self.given.add(path)
            value = self._value(kind, raw[key], path, about_of(model_field))
            return _substitute(model_field, kind) if value is _UNUSABLE else value
        required = has_no_default(model_field)
        if required and is_dataclass(kind):
            return self.record(kind, {}, path, lambda inner: f"{path}.{inner}")
        if required and get_origin(kind) is None:
            self._refuse(path, None, f"Give it a value: {about_of(model_field).says}")
        return _substitute(model_field, kind)

    def _value(self, kind: Any, raw: object, path: str, about: About) -> Any:
        if isinstance(raw, Unreadable):
            return self._refuse(path, raw, raw.remedy)
        if is_dataclass(kind):
            return self.record(kind, raw, path, lambda key: f"{path}.{key}")
        origin = get_origin(kind)
        if origin is tuple:
            return self._items(get_args(kind)[0], raw, path, about)
        if origin is not None:
            return self._entries(raw, path, about)
        if kind is bool:
            return raw if isinstance(raw, bool) else self._refuse(path, raw, "Write true or false, without quotes.")
        if kind is int:
            return self._number(raw, path, about)
        if issubclass(kind, StrEnum):
            return self._choice(kind, raw, path, about)
        return self._text(raw, path, about.syntax)

    def _number(self, raw: object, path: str, about: About) -> Any:
        if isinstance(raw, bool) or not isinstance(raw, int):
            meaning = f": {about.wanted}" if about.wanted else ""
            return self._refuse(path, raw, f"Write a whole number, without quotes{meaning}.")
        low, high = about.minimum, about.maximum
        if not self.recorded and ((low is not None and raw < low) or (high is not None and raw > high)):
            return self._refuse(path, raw, f"Choose {about.wanted or f'a number from {low} to {high}'}.")
        return raw

    def _choice(self, kind: type[StrEnum], raw: object, path: str, about: About) -> Any:
        words = [str(member) for member in kind]
        if isinstance(raw, str) and raw in words:
            return kind(raw)
        hint = did_you_mean(raw, words)
        if isinstance(raw, str) and raw.lower() in about.not_offered:
            hint = f" {about.not_offered[raw.lower()]}"
        return self._refuse(path, raw, f"Choose one of {', '.join(words)}.{hint}")

    def _text(self, raw: object, path: str, syntax: Syntax | None) -> Any:
        if isinstance(raw, str):
            remedy = syntax.refuse(raw) if syntax and not self.recorded else None
            return self._refuse(path, raw, remedy) if remedy else raw
        if not isinstance(raw, bool | int | float):
            return self._refuse(path, raw, f"Write a text here. {syntax.remedy if syntax else ''}".rstrip())
        remedy = syntax.refuse(shown(raw)) if syntax else None
        quotes = "Put it in quotes: without them numbers, true and false are no texts."
        return self._refuse(path, raw, f"{remedy} {quotes}" if remedy else quotes)

    def _items(self, kind: Any, raw: object, path: str, about: About) -> Any:
        if not isinstance(raw, list | tuple):
            return self._refuse(path, raw, "Write a list here: one item per line, each after a hyphen.")
        if about.maximum is not None and len(raw) > about.maximum:
            return self._refuse(path, raw, f"Keep it to {about.maximum} items.")
        values = [self._value(kind, item, f"{path}[{number}]", about) for number, item in enumerate(raw)]
        for number, value in enumerate(values):
            if value is not _UNUSABLE and not is_dataclass(kind) and value in values[:number]:
                self._refuse(f"{path}[{number}]", raw[number], "Remove it: it is in the list already.")
        return tuple(value for value in values if value is not _UNUSABLE)

    def _entries(self, raw: object, path: str, about: About) -> Any:
        if not isinstance(raw, Mapping):
            return self._refuse(path, raw, "Write an object here: one `key: value` per line.")
        if about.maximum is not None and len(raw) > about.maximum:
            return self._refuse(path, raw, f"Keep it to {about.maximum} keys.")
        entries: dict[str, str] = {}
        for key, value in raw.items():
            entry_path = path_of_entry(path, str(key))
            remedy = about.key_syntax.refuse(str(key)) if about.key_syntax and not self.recorded else None
            if remedy:
                self._refuse(entry_path, str(key), remedy)
            text = self._text(value, entry_path, about.syntax)
            if text is not _UNUSABLE and not remedy:
                entries[str(key)] = text
        return entries

    def _unknown(self, model: Any, path: str, key: str) -> None:
        known = [key_of(f.name) for f in fields(model)]
        group, dot, _ = key.partition(".")
        near, elsewhere = nearest(key, known), nearest(key, list(_places()))
        other = nearest(key, [key_of(f.name) for f in fields(Settings)])
        if dot and group in known:
            remedy = f"Write it below {group}; on the command line: pulumi config set --path '{shown_path(path)}'."
        elif near:
            remedy = f"There is no such key. Did you mean {near}?"
        elif key.lower() in _NO_SETTINGS:
            remedy = f"Leave it out: {_NO_SETTINGS[key.lower()]}."
        elif other:
            remedy = f"There is no such key here. Write it as a group of its own: {NAMESPACE}:{other}."
        elif elsewhere:
            places = " or ".join(_places()[elsewhere])
            remedy = f"There is no such key here. Write it below {places}: {elsewhere}."
        else:
            remedy = f"There is no such key. Known keys: {', '.join(sorted(known))}."
        self.problems.append(Problem(shown_path(path), f"the key {shown(key)}", remedy))

    def _refuse(self, path: str, raw: object, remedy: str) -> object:
        self.unsound.add(path)
        self.problems.append(Problem(shown_path(path), shown(raw), remedy))
        return _UNUSABLE


@cache
def _places() -> Mapping[str, tuple[str, ...]]:
    """The keys within groups, and the groups that have them."""
    places: dict[str, tuple[str, ...]] = {}
    for group in fields(Settings):
        kind = type_hints(Settings)[group.name]
        for record in (kind, *get_args(kind)):
            for inner in fields(record) if is_dataclass(record) else ():
                name = key_of(inner.name)
                places[name] = (*places.get(name, ()), key_of(group.name))
    return places


def _keys(model: Any) -> str:
    return ", ".join(key_of(f.name) for f in fields(model))


@cache
def type_hints(model: Any) -> dict[str, Any]:
    """The resolved types of a model's fields."""
    return get_type_hints(model)


def has_no_default(model_field: Field[Any]) -> bool:
    """Whether a record can't be made without a value for this field."""
    return model_field.default is MISSING and model_field.default_factory is MISSING


def default_of(model_field: Field[Any]) -> Any:
    """The default of a field that has one."""
    if model_field.default_factory is not MISSING:
        return model_field.default_factory()
    return model_field.default


def _blank(model: Any) -> Any:
    """A record of substitutes only, in place of one that could not be read at all."""
    return model(**{f.name: _substitute(f, type_hints(model)[f.name]) for f in fields(model)})


def _substitute(model_field: Field[Any], kind: Any) -> Any:
    """A value of the right type for a field that has none: its default, or an empty or first one."""
    if not has_no_default(model_field):
        return default_of(model_field)
    if get_origin(kind) is tuple:
        return ()
    if get_origin(kind) is not None:
        return {}
    if is_dataclass(kind):
        return _blank(kind)
    if issubclass(kind, StrEnum):
        return next(iter(kind))
    return kind()
