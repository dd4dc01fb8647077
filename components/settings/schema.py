"""The model as a JSON schema of stack files, for editors. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, fields, is_dataclass
from enum import StrEnum
from typing import Any, get_args, get_origin

from components.settings.about import About, about_of, key_of
from components.settings.decode import default_of, has_no_default, type_hints
from components.settings.encode import plain_value
from components.settings.formats import REGION
from components.settings.model import Settings
from components.settings.namespaces import OTHER_NAMESPACES
from components.settings.rules.facts import NAMESPACE
from components.settings.syntax import Syntax


def stack_file_schema() -> dict[str, Any]:
    """What `stacks/Pulumi.<stack>.yaml` may hold. What others read below their namespaces is left to them."""
    groups = {f"{NAMESPACE}:{key_of(f.name)}": _field_schema(Settings, f) for f in fields(Settings)}
    region = {"type": "string", "description": "The AWS region.", "pattern": _anchored(REGION)}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Stack file of quorate",
        "type": "object",
        "properties": {
            "config": {
                "type": "object",
                "properties": {"aws:region": region, **groups},
                "patternProperties": {f"^({'|'.join(OTHER_NAMESPACES)}):": {}},
                "additionalProperties": False,
                "required": ["aws:region", f"{NAMESPACE}:cluster", f"{NAMESPACE}:access"],
            },
            "encryptionsalt": {"type": "string"},
            "encryptedkey": {"type": "string"},
            "secretsprovider": {"type": "string"},
            "environment": {},
        },
        "required": ["config"],
        "additionalProperties": False,
    }


def _field_schema(model: Any, field: Field[Any]) -> dict[str, Any]:
    about = about_of(field)
    schema = _kind_schema(type_hints(model)[field.name], about)
    schema["description"] = (
        about.says if is_dataclass(model) and model is Settings else f"{about.says} {_effect(about)}"
    )
    if not has_no_default(field):
        schema["default"] = plain_value(default_of(field))
    return schema


def _effect(about: About) -> str:
    return f"A change: {about.effect()}."


def _kind_schema(kind: Any, about: About) -> dict[str, Any]:
    if is_dataclass(kind):
        return _record_schema(kind)
    if get_origin(kind) is tuple:
        return _list_schema(get_args(kind)[0], about)
    if get_origin(kind) is not None:
        return _map_schema(about)
    if kind is bool:
        return {"type": "boolean"}
    if kind is int:
        return {"type": "integer", **_known({"minimum": about.minimum, "maximum": about.maximum})}
    if issubclass(kind, StrEnum):
        return {"type": "string", "enum": [str(member) for member in kind]}
    return {"type": "string", **_known({"pattern": _anchored(about.syntax)})}


def _record_schema(model: Any) -> dict[str, Any]:
    required = [key_of(f.name) for f in fields(model) if has_no_default(f)]
    return {
        "type": "object",
        "properties": {key_of(f.name): _field_schema(model, f) for f in fields(model)},
        "additionalProperties": False,
        **({"required": required} if required else {}),
    }


def _list_schema(kind: Any, about: About) -> dict[str, Any]:
    items = _kind_schema(kind, About(about.says, syntax=about.syntax))
    unique = None if is_dataclass(kind) else True
    return {
        "type": "array",
        "items": items,
        **_known({"minItems": about.minimum, "maxItems": about.maximum, "uniqueItems": unique}),
    }


def _map_schema(about: About) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": {"type": "string", **_known({"pattern": _anchored(about.syntax)})},
        **_known({"maxProperties": about.maximum}),
        **({"propertyNames": {"pattern": _anchored(about.key_syntax)}} if about.key_syntax else {}),
    }


def _anchored(syntax: Syntax | None) -> str | None:
    return f"^({syntax.pattern})$" if syntax else None


def _known(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}
