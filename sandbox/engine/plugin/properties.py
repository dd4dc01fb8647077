"""Property values as the engine sends them, in Python and back.

On the wire a property map is a protobuf Struct in which an object with the key SIGNATURE stands for something that
JSON has no word for (a secret, an asset, ...), and certain strings stand for values that are not known yet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Union

from google.protobuf import struct_pb2

SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"
ASSET = "c44067f5952c0a294b673a41bacd8c17"
ARCHIVE = "0def7320c3a5731c473e5ecbe6d01bc7"
RESOURCE = "5cf8f73096256a8f31e491e813e4eb8e"
OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4"

UNKNOWN_KINDS: Mapping[str, str] = {
    "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7": "bool",
    "3eeb2bf0-c639-47a8-9e75-3b44932eb421": "number",
    "04da6b54-80e4-46f7-96ec-b56ff0331ba9": "string",
    "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2": "array",
    "030794c1-ac77-496b-92df-f27374a8bd58": "asset",
    "e48ece36-62e2-4504-bad9-02848725956a": "archive",
    "dd056dcd-154b-4c76-9bd3-c8f88648b5ff": "object",
}
_UNKNOWN_SENTINELS = {kind: sentinel for sentinel, kind in UNKNOWN_KINDS.items()}


class PropertyError(ValueError):
    """A property map that this plugin cannot read or write; the message says where and what was found."""


@dataclass(frozen=True)
class Unknown:
    """A value that exists only after the preview. `kind` is the type that it will have."""

    kind: str = "string"


UNKNOWN = Unknown()


@dataclass(frozen=True)
class Secret:
    """A value that the engine encrypts in its state and masks in its output."""

    value: Value

    def __repr__(self) -> str:
        return "Secret(…)"


@dataclass(frozen=True)
class Asset:
    """One file: exactly one of path, text and uri; `hash` as the engine computed it, hex SHA-256."""

    path: str | None = None
    text: str | None = None
    uri: str | None = None
    hash: str = ""


@dataclass(frozen=True)
class Archive:
    """Several files: exactly one of path, uri and assets."""

    path: str | None = None
    uri: str | None = None
    assets: Mapping[str, Value] | None = None
    hash: str = ""


@dataclass(frozen=True)
class ResourceReference:
    """Another resource, by its URN; `id` is "" for a component and unknown before creation."""

    urn: str
    id: Value = None
    package_version: str = ""


# A recursive alias needs the string form to be evaluated lazily.
Value = Union[  # noqa: UP007  (`"Value" | None` cannot be evaluated)
    None, bool, float, str, list["Value"], dict[str, "Value"],
    Unknown, Secret, Asset, Archive, ResourceReference,
]  # fmt: skip
Properties = dict[str, Value]


def decode(struct: struct_pb2.Struct) -> Properties:
    """Reads a property map. Raises PropertyError for a signature that is not modelled."""
    return {key: _decode_value(value, key) for key, value in struct.fields.items()}


def encode(properties: Mapping[str, Value]) -> struct_pb2.Struct:
    """Writes a property map. Raises PropertyError for a Python value that has no form on the wire."""
    return struct_pb2.Struct(fields={key: _encode_value(value, key) for key, value in properties.items()})


def secret(value: Value) -> Secret:
    """Marks a value secret, once."""
    return value if isinstance(value, Secret) else Secret(value)


def reveal(value: Value) -> Value:
    """The value without any mark of secrecy, at every depth."""
    if isinstance(value, Secret):
        return reveal(value.value)
    if isinstance(value, list):
        return [reveal(item) for item in value]
    if isinstance(value, dict):
        return {key: reveal(item) for key, item in value.items()}
    return value


def reveal_all(properties: Mapping[str, Value]) -> Properties:
    return {key: reveal(value) for key, value in properties.items()}


def contains_secret(value: Value) -> bool:
    return _any(value, lambda part: isinstance(part, Secret))


def contains_unknown(value: Value) -> bool:
    return _any(value, lambda part: isinstance(part, Unknown))


def _any(value: Value, holds: Callable[[Value], bool]) -> bool:
    return any(holds(part) for part in _parts(value))


def _parts(value: Value) -> Iterator[Value]:
    yield value
    children: list[Value] = []
    if isinstance(value, Secret):
        children = [value.value]
    elif isinstance(value, list):
        children = value
    elif isinstance(value, dict):
        children = list(value.values())
    elif isinstance(value, Archive) and value.assets is not None:
        children = list(value.assets.values())
    elif isinstance(value, ResourceReference):
        children = [value.id]
    for child in children:
        yield from _parts(child)


def _decode_value(value: struct_pb2.Value, where: str) -> Value:
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        text: str = value.string_value
        return Unknown(UNKNOWN_KINDS[text]) if text in UNKNOWN_KINDS else text
    if kind == "bool_value":
        return bool(value.bool_value)
    if kind == "number_value":
        return float(value.number_value)
    if kind == "list_value":
        return [_decode_value(item, f"{where}[{index}]") for index, item in enumerate(value.list_value.values)]
    if kind == "struct_value":
        fields = value.struct_value.fields
        if SIGNATURE in fields:
            return _decode_signed(fields[SIGNATURE].string_value, value.struct_value, where)
        return {key: _decode_value(item, f"{where}.{key}") for key, item in fields.items()}
    return None


def _decode_signed(signature: str, struct: struct_pb2.Struct, where: str) -> Value:
    fields = struct.fields
    if signature == SECRET:
        return secret(_decode_value(fields["value"], where))
    if signature == OUTPUT:
        value: Value = _decode_value(fields["value"], where) if "value" in fields else UNKNOWN
        return secret(value) if "secret" in fields and fields["secret"].bool_value else value
    if signature == ASSET:
        return Asset(**_members(fields, "path", "text", "uri", "hash"))
    if signature == ARCHIVE:
        members = _members(fields, "path", "uri", "hash")
        assets: dict[str, Value] | None = None
        if "assets" in fields and fields["assets"].WhichOneof("kind") == "struct_value":
            inside = fields["assets"].struct_value.fields
            assets = {key: _decode_value(item, f"{where}/{key}") for key, item in inside.items()}
        return Archive(members.get("path"), members.get("uri"), assets, members.get("hash", ""))
    if signature == RESOURCE:
        return ResourceReference(
            urn=fields["urn"].string_value,
            id=_decode_value(fields["id"], where) if "id" in fields else None,
            package_version=fields["packageVersion"].string_value if "packageVersion" in fields else "",
        )
    raise PropertyError(f"{where}: a value of the kind with signature {signature} is not modelled by this plugin")


def _members(fields: Mapping[str, struct_pb2.Value], *names: str) -> dict[str, str]:
    """The members that are set. The engine leaves out, or writes as "", what an asset does not use."""
    found = {name: fields[name].string_value for name in names if name in fields and fields[name].string_value}
    if "text" in names and not found.keys() & {"text", "path", "uri"}:
        found["text"] = ""
    return found


def _encode_value(value: Value, where: str) -> struct_pb2.Value:
    if value is None:
        return struct_pb2.Value(null_value=struct_pb2.NULL_VALUE)
    if isinstance(value, bool):
        return struct_pb2.Value(bool_value=value)
    if isinstance(value, (int, float)):
        return struct_pb2.Value(number_value=value)
    if isinstance(value, str):
        return struct_pb2.Value(string_value=value)
    if isinstance(value, Unknown):
        return struct_pb2.Value(string_value=_UNKNOWN_SENTINELS[value.kind])
    if isinstance(value, list):
        items = [_encode_value(item, f"{where}[{index}]") for index, item in enumerate(value)]
        return struct_pb2.Value(list_value=struct_pb2.ListValue(values=items))
    if isinstance(value, dict):
        return _struct({key: _encode_value(item, f"{where}.{key}") for key, item in value.items()})
    if isinstance(value, Secret):
        return _signed(SECRET, {"value": _encode_value(value.value, where)})
    if isinstance(value, Asset):
        return _signed(ASSET, _texts(path=value.path, text=value.text, uri=value.uri, hash=value.hash or None))
    if isinstance(value, Archive):
        members = _texts(path=value.path, uri=value.uri, hash=value.hash or None)
        if value.assets is not None:
            members["assets"] = _struct({key: _encode_value(item, where) for key, item in value.assets.items()})
        return _signed(ARCHIVE, members)
    if isinstance(value, ResourceReference):
        members = _texts(urn=value.urn, packageVersion=value.package_version or None)
        if value.id is not None:
            members["id"] = _encode_value(value.id, where)
        return _signed(RESOURCE, members)
    raise PropertyError(f"{where}: a Python {type(value).__name__} has no form as a Pulumi property")


def _struct(fields: Mapping[str, struct_pb2.Value]) -> struct_pb2.Value:
    return struct_pb2.Value(struct_value=struct_pb2.Struct(fields=fields))


def _signed(signature: str, members: Mapping[str, struct_pb2.Value]) -> struct_pb2.Value:
    return _struct({SIGNATURE: struct_pb2.Value(string_value=signature), **members})


def _texts(**members: str | None) -> dict[str, struct_pb2.Value]:
    return {key: struct_pb2.Value(string_value=text) for key, text in members.items() if text is not None}
