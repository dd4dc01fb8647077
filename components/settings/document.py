"""Writes docs/settings.md and stacks/settings.schema.json from the model: `python -m components.settings.document`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import Field, fields, is_dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, NamedTuple, get_args, get_origin

from components.settings.about import Change, about_of, key_of
from components.settings.decode import default_of, has_no_default, type_hints
from components.settings.encode import plain_value
from components.settings.model import RegistryMirrors, Settings, Taint
from components.settings.namespaces import OTHER_NAMESPACES
from components.settings.rules.facts import NAMESPACE
from components.settings.schema import stack_file_schema

_CHECKOUT: Final = Path(__file__).resolve().parents[2]
_INTRODUCTION: Final = f"""# Settings

Generated from `components/settings/` by `python -m components.settings.document`; a test checks that it is current.

A stack says what it wants in `stacks/Pulumi.<stack>.yaml`, in groups (`{NAMESPACE}:cluster`, `{NAMESPACE}:network`, …).
`aws:region` must be there too. A group or key that is left out gets its default. Before anything is created the whole
file is checked, and every problem is reported with its key path, what was found, and what to do. Unknown keys are
refused. Zones, machine types and `network.interfaceEndpoints` are then compared with what AWS says that the region has.
What works and is probably not meant is a warning; on an existing cluster so are a few values that a new one can't have.
To change a setting from the command line:

    pulumi config set --path '{NAMESPACE}:controlPlane.instanceType' t3.large

Refused, too, is what nobody reads: a key in another namespace than `{NAMESPACE}` or
{", ".join(f"`{name}`" for name in OTHER_NAMESPACES)}; a key beside `config:`; a second document; a
group that is there twice, as `etcd:` and as `{NAMESPACE}:etcd:`. `python -m operations report` reads the file as Pulumi
does, and refuses what is not sure to mean the same to it, such as a date without quotes.

YAML has its own ideas about what stands there without quotes, and the program sees only the result:

- A number that begins with 0 is octal, if its digits allow: `volumeGib: 020` is 16, and `08` is 8.
- `1.36` is a number, and so is `1_36`; `2026-01-02` is a date. Versions and texts like these need quotes.
- `yes`, `no`, `on` and `off` are texts; only `true` and `false` are true and false.

Where Pulumi itself refuses a file (`.nan`, a list in place of `config:`, a value that was encrypted with another
passphrase), it names no key. `python -m operations report --stack STACK`, `yamllint`, or an editor with
`stacks/settings.schema.json` finds the place.

The last column says what changing a setting does to an existing cluster:

- **{Change.IN_PLACE}**: the same machines continue with the new value.
- **{Change.ROLLS_WORKERS}**: the control plane continues with the new value; workers are never changed in place, so
  new ones take their place, as they do for a pool's own settings: each joins before an old one is drained and ends.
- **{Change.RESTARTS_MACHINE}**: the machine is stopped and started with its disks and addresses, one after the other.
- **{Change.REPLACES_MACHINE}**: new machines take the place of the old ones.
- **{Change.ADDED_TO}**: what the cluster has stays what it is.
- **{Change.REFUSED}**: the program changes nothing and says why.
"""


class _Noun(NamedTuple):
    one: str
    several: str


_RECORDS: Final = {
    Taint: _Noun("A taint", "taints"),
    RegistryMirrors: _Noun("A registry with mirrors", "registries with mirrors"),
}


def files() -> dict[Path, str]:
    """The generated files of the checkout and what they have to say."""
    return {
        _CHECKOUT / "docs/settings.md": settings_page(),
        _CHECKOUT / "stacks/settings.schema.json": json.dumps(stack_file_schema(), indent=2) + "\n",
    }


def settings_page() -> str:
    """docs/settings.md as Markdown."""
    return "\n".join([_INTRODUCTION, *_sections()])


def _sections() -> Iterator[str]:
    for group in fields(Settings):
        kind = type_hints(Settings)[group.name]
        title = f"## `{NAMESPACE}:{key_of(group.name)}`\n"
        if is_dataclass(kind):
            yield f"{title}\n{_first_line(kind)}\n\n{_table(kind)}"
            yield from _items(kind)
        elif get_origin(kind) is tuple:
            pool = get_args(kind)[0]
            yield f"{title}\nA list. {_first_line(pool)} No pools by default.\n\n{_table(pool)}"
            yield from _items(pool)
        else:
            about = about_of(group)
            keys, values = _syntax(about.key_syntax), _syntax(about.syntax)
            yield f"{title}\n{about.says} Up to {about.maximum}: {keys} and {values}. A change: {about.effect()}.\n"


def _items(model: Any) -> Iterator[str]:
    """A section for each kind of record that a list in `model` holds."""
    for field in fields(model):
        for item in get_args(type_hints(model)[field.name]):
            if item in _RECORDS:
                yield f"### {_RECORDS[item].one}\n\n{_first_line(item)}\n\n{_table(item)}"


def _table(model: Any) -> str:
    rows = [_row(model, field) for field in fields(model)]
    return (
        "\n".join(["| key | what it is | type and range | default | a change |", "|---|---|---|---|---|", *rows]) + "\n"
    )


def _row(model: Any, field: Field[Any]) -> str:
    about = about_of(field)
    cells = (
        f"`{key_of(field.name)}`",
        about.says,
        _range(type_hints(model)[field.name], field),
        _default(field),
        f"{about.effect()}: {about.why}" if about.why else about.effect(),
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _range(kind: Any, field: Field[Any]) -> str:
    about = about_of(field)
    if get_origin(kind) is tuple:
        item = get_args(kind)[0]
        noun = (
            _RECORDS[item].several
            if item in _RECORDS
            else "whole numbers"
            if item is int
            else f"texts, each: {_syntax(about.syntax)}"
        )
        return f"list of {about.minimum or 0} to {about.maximum} {noun}"
    if get_origin(kind) is not None:
        return f"up to {about.maximum} keys ({_syntax(about.key_syntax)}) with values ({_syntax(about.syntax)})"
    if kind is bool:
        return "true, false"
    if kind is int:
        return f"{about.minimum} to {about.maximum}"
    if issubclass(kind, StrEnum):
        return ", ".join(f"`{member}`" for member in kind)
    return _syntax(about.syntax)


def _syntax(syntax: Any) -> str:
    return syntax.name if syntax else "text"


def _default(field: Field[Any]) -> str:
    if has_no_default(field) or (field.default == () and about_of(field).minimum):
        return "required"
    value = plain_value(default_of(field))
    return f"`{json.dumps(value)}`" if not isinstance(value, str) else f"`{value}`" if value else "empty"


def _first_line(model: Any) -> str:
    return str(model.__doc__).split("\n", maxsplit=1)[0]


def main() -> None:
    """Writes every generated file."""
    for path, text in files().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        print(f"wrote {path.relative_to(_CHECKOUT)}")


if __name__ == "__main__":
    main()
