"""A request as the members of its operation's input, by protocol: query, ec2, json, rest-json, rest-xml (pure).

What can't be read as its type stays as it came, for the validator to refuse.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs
from xml.etree import ElementTree

from botocore.model import Shape

Members = dict[str, Any]


class Unreadable(Exception):
    """The body is not of the protocol."""


class Unknown(list[str]):
    """Members that the model does not know, by the names they have in the request."""


def scalar(shape: Shape, text: str) -> Any:
    """Text as a number or a boolean where the shape is one."""
    if shape.type_name in ("integer", "long") and re.fullmatch(r"[+-]?\d+", text):
        return int(text)
    if shape.type_name in ("float", "double") and re.fullmatch(r"[+-]?[\d.]+([eE][+-]?\d+)?", text):
        return float(text)
    if shape.type_name == "boolean":
        return {"true": True, "false": False}.get(text.lower(), text)
    return text


class QueryMembers:
    """Of a form such as `Tags.member.1.Key=…`."""

    def __init__(self, unknown: Unknown) -> None:
        self._unknown = unknown

    def read(self, shape: Shape, form: tuple[tuple[str, str], ...]) -> Members:
        tree: dict[str, Any] = {}
        for key, value in form:
            if key not in ("Action", "Version"):
                _plant(tree, key.split("."), value)
        return self._structure(shape, tree, "")

    def _value(self, shape: Shape, node: Any, path: str) -> Any:
        if shape.type_name not in ("structure", "list", "map"):
            return node if isinstance(node, dict) else scalar(shape, node)
        if not isinstance(node, dict):
            return {"list": [], "map": {}}.get(shape.type_name, node) if node == "" else node
        read: Callable[..., Any] = getattr(self, f"_{shape.type_name}")
        return read(shape, node, f"{path}.")

    def _structure(self, shape: Shape, node: Mapping[str, Any], path: str) -> Members:
        names = {self.wire_name(name, member): (name, member) for name, member in shape.members.items()}
        self._unknown += [path + key for key in node if key not in names]
        told = [(names[key], child, path + key) for key, child in node.items() if key in names]
        return {name: self._value(member, child, at) for (name, member), child, at in told}

    def _list(self, shape: Shape, node: Mapping[str, Any], path: str) -> list[Any]:
        return [self._value(shape.member, item, at) for item, at in self._items(shape, node, path, "member")]

    def _map(self, shape: Shape, node: Mapping[str, Any], path: str) -> Members:
        entries = [item for item, _ in self._items(shape, node, path, "entry") if isinstance(item, dict)]
        key, value = (s.serialization.get("name", n) for s, n in ((shape.key, "key"), (shape.value, "value")))
        return {str(e.get(key)): self._value(shape.value, e.get(value, ""), f"{path}value") for e in entries}

    def _items(self, shape: Shape, node: Mapping[str, Any], path: str, wrapper: str) -> Iterator[tuple[Any, str]]:
        if wrapper := self.wrapper(shape, wrapper):
            self._unknown += [path + key for key in node if key != wrapper]
            path, node = f"{path}{wrapper}.", node.get(wrapper) or {}
        self._unknown += [path + key for key in node if not key.isdigit()]
        for key in sorted((key for key in node if key.isdigit()), key=int):
            yield node[key], path + key

    def wire_name(self, name: str, member: Shape) -> str:
        return str(member.serialization.get("name", name))

    def wrapper(self, shape: Shape, default: str) -> str:
        """The part of a list's keys before the number; "" where there is none."""
        if shape.serialization.get("flattened"):
            return ""
        return self.wire_name(default, shape.member) if shape.type_name == "list" else default


class Ec2Members(QueryMembers):
    """EC2's dialect, such as `TagSpecification.1.Tag.1.Key=…`."""

    def wire_name(self, name: str, member: Shape) -> str:
        told = str(member.serialization.get("name", name))
        return str(member.serialization.get("queryName") or told[:1].upper() + told[1:])

    def wrapper(self, shape: Shape, default: str) -> str:
        return ""


def _plant(tree: dict[str, Any], path: list[str], value: str) -> None:
    for part in path[:-1]:
        tree = tree.setdefault(part, {})
        if not isinstance(tree, dict):
            raise Unreadable(f"{'.'.join(path)} is below a member that has a value")
    tree[path[-1]] = value


class JsonMembers:
    """Of a JSON document."""

    def __init__(self, unknown: Unknown) -> None:
        self._unknown = unknown

    def read(self, shape: Shape, body: bytes) -> Any:
        try:
            return self._value(shape, json.loads(body or b"{}"), "")
        except ValueError as error:
            raise Unreadable("the body is not JSON") from error

    def _value(self, shape: Shape, node: Any, path: str) -> Any:
        if shape.type_name == "structure" and isinstance(node, dict) and not shape.is_document_type:
            names = {m.serialization.get("name", name): (name, m) for name, m in shape.members.items()}
            self._unknown += [path + key for key in node if key not in names and key != "__type"]
            told = [(names[k], child, path + k) for k, child in node.items() if k in names and child is not None]
            return {name: self._value(member, child, f"{at}.") for (name, member), child, at in told}
        if shape.type_name == "list" and isinstance(node, list):
            return [self._value(shape.member, item, f"{path}{n}.") for n, item in enumerate(node, 1)]
        if shape.type_name == "map" and isinstance(node, dict):
            return {key: self._value(shape.value, item, f"{path}{key}.") for key, item in node.items()}
        return node


class XmlMembers:
    """Of an XML document."""

    def __init__(self, unknown: Unknown) -> None:
        self._unknown = unknown

    def read(self, shape: Shape, body: bytes) -> Any:
        try:
            root = ElementTree.fromstring(body)  # noqa: S314  (the operator's own or a machine's)
        except ElementTree.ParseError as error:
            raise Unreadable("the body is not XML") from error
        return self._value(shape, root, "")

    def _value(self, shape: Shape, node: ElementTree.Element, path: str) -> Any:
        if shape.type_name == "structure":
            return self._structure(shape, node, path)
        if shape.type_name == "list":
            wire = str(shape.member.serialization.get("name", "member"))
            self._unknown += [path + _tag(item.tag) for item in node if _tag(item.tag) != wire]
            return [self._value(shape.member, item, f"{path}{wire}.") for item in node]
        if shape.type_name == "map":
            return {"".join(child.itertext()): "" for child in node.iter() if _tag(child.tag) == "key"}
        return scalar(shape, node.text or "")

    def _structure(self, shape: Shape, node: ElementTree.Element, path: str) -> Members:
        members = {name: m for name, m in shape.members.items() if "location" not in m.serialization}
        names = {_xml_name(name, member): (name, member) for name, member in members.items()}
        attributes = {_tag(key): value for key, value in node.attrib.items()}
        found: Members = {
            name: attributes[wire.partition(":")[2]]
            for wire, (name, member) in names.items()
            if member.serialization.get("xmlAttribute") and wire.partition(":")[2] in attributes
        }
        for child in node:
            tag = _tag(child.tag)
            if tag not in names:
                self._unknown.append(path + tag)
                continue
            name, member = names[tag]
            if member.type_name == "list" and member.serialization.get("flattened"):
                found.setdefault(name, []).append(self._value(member.member, child, f"{path}{tag}."))
            else:
                found[name] = self._value(member, child, f"{path}{tag}.")
        return found


def _tag(name: str) -> str:
    return name.rpartition("}")[2]


def _xml_name(name: str, member: Shape) -> str:
    if member.type_name == "list" and member.serialization.get("flattened"):
        return str(member.member.serialization.get("name") or member.serialization.get("name", name))
    return str(member.serialization.get("name", name))


def rest_members(
    shape: Shape,
    environ: Mapping[str, Any],
    labels: Mapping[str, str],
    read_body: Callable[[Shape, bytes], Any],
    body: bytes | None,
) -> Members:
    """Members of address, query, headers and body. `body` is None where it was too large to look at."""
    query = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
    found: Members = {}
    for name, member in shape.members.items():
        place, wire = member.serialization.get("location"), str(member.serialization.get("name", name))
        header = environ.get(f"HTTP_{wire.upper().replace('-', '_')}") if place == "header" else None
        if place == "uri" and wire in labels:
            found[name] = scalar(member, labels[wire])
        elif place == "querystring" and wire in query:
            found[name] = query[wire] if member.type_name == "list" else scalar(member, query[wire][0])
        elif header is not None:
            found[name] = header.split(",") if member.type_name == "list" else scalar(member, header)
    payload = shape.serialization.get("payload")
    if payload is None:
        in_body = any("location" not in member.serialization for member in shape.members.values())
        return found | (read_body(shape, body) if body and in_body else {})
    if body is None or shape.members[payload].type_name == "blob":
        return found | {payload: b""}
    if shape.members[payload].type_name == "string":
        return found | {payload: body.decode("utf-8", "replace")}
    return found | ({payload: read_body(shape.members[payload], body)} if body else {})
