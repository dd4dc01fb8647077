"""A stack file as Pulumi reads it: from its bytes to the configuration that the engine hands to the program. Pure.

PyYAML finds its structure. What a word means is decided here, as Pulumi's library (yaml.v3 for Go) does: `no` is a
text, `0o24` and `20.0` are whole numbers, `1:30` is none. What is rare and read otherwise there is refused here.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from components.settings.problems import Problem, path_of_entry, shown, shown_path
from components.settings.rules.facts import NAMESPACE

# Pulumi.yaml's stackConfigDir.
FOLDER: Final = "stacks"
# Beside `config:`, those that Pulumi itself writes and reads.
_OTHER_KEYS: Final = ("encryptionsalt", "encryptedkey", "secretsprovider", "environment")
# More than any stack has; a few lines of aliases of aliases can stand for billions.
_MOST_VALUES: Final = 100_000
_WORDS: Final[Mapping[str, object]] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **{f"{sign}{word}": math.inf for sign in ("", "+") for word in (".inf", ".Inf", ".INF")},
    **{f"-{word}": -math.inf for word in (".inf", ".Inf", ".INF")},
}
_WHOLE: Final = re.compile(r"([-+]?)(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]{0,19})")
_BASES: Final = {"x": 16, "b": 2, "o": 8}
_FRACTION: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_DATE: Final = re.compile(r"[0-9]{4}-([0-9]{1,2})-([0-9]{1,2})([Tt ].*)?")
_PLAIN: Final = "plain"
_TEXT: Final = "tag:yaml.org,2002:str"
_MERGE: Final = "<<"


class NotYaml(ValueError):
    """Bytes that are no YAML document, with the line and the reason."""


@dataclass(frozen=True)
class StackFile:
    """`config` is what the engine hands on: full key to text, objects as JSON; `secret` are its encrypted keys.

    `ignored` is what Pulumi takes without a word and doesn't read, or reads at random; `problems` is what it refuses,
    and what is not sure to mean the same to it.
    """

    config: Mapping[str, str]
    secret: frozenset[str]
    ignored: tuple[Problem, ...]
    problems: tuple[Problem, ...]


def read_stack_file(content: bytes) -> StackFile:
    """The stack file with this content. Raises NotYaml."""
    try:
        root, further = _documents(content)
        return _Reading().file(root, further)
    except RecursionError:
        raise NotYaml("lists or objects are nested too deeply, or contain themselves") from None


def ignored_by_pulumi(content: bytes, config: Mapping[str, str]) -> tuple[Problem, ...]:
    """What Pulumi ignored when it read `config` from this content; nothing where it read that from elsewhere."""
    try:
        file = read_stack_file(content)
    except NotYaml:
        return ()
    return file.ignored if file.config.keys() <= config.keys() else ()


class _Loader(yaml.SafeLoader):
    """Leaves open what words without quotes and tag mean."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
        if kind is yaml.ScalarNode and implicit[0]:
            return _PLAIN
        return super().resolve(kind, value, implicit)  # type: ignore[no-untyped-call]


def _documents(content: bytes) -> tuple[yaml.Node | None, int | None]:
    """The first document, and the line where a second one begins."""
    try:
        loader = _Loader(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        byte = f"{content[error.start]:#04x}"
        raise NotYaml(f"line {line} has a byte ({byte}) that is not UTF-8: save the file as UTF-8") from None
    except yaml.YAMLError as error:
        raise NotYaml(_reason(error)) from None
    try:
        root = loader.get_node() if loader.check_node() else None
    except yaml.YAMLError as error:
        raise NotYaml(_reason(error)) from None
    try:
        further = loader.get_node() if loader.check_node() else None
    except yaml.MarkedYAMLError as error:
        return root, error.problem_mark.line + 1 if error.problem_mark else None
    except yaml.YAMLError:
        return root, None
    return root, further.start_mark.line + 1 if further else None


def _reason(error: yaml.YAMLError) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        return f"line {mark.line + 1}, column {mark.column + 1}: {shown_path(error.problem or 'it ends too early')}"
    if isinstance(error, yaml.reader.ReaderError):
        return f"it has a character ({error.character:#x}) that YAML doesn't allow"
    return shown_path(str(error))


@dataclass
class _Reading:
    problems: list[Problem] = field(default_factory=list)
    ignored: list[Problem] = field(default_factory=list)
    values: int = 0
    encrypted: bool = False

    def file(self, root: yaml.Node | None, further: int | None) -> StackFile:
        config: dict[str, str] = {}
        secret = set()
        for key, value in self._configuration(root, further):
            self.encrypted = False
            read = self._value(value, key)
            config[key] = read if isinstance(read, str) else json.dumps(read)
            if self.encrypted:
                secret.add(key)
        return StackFile(config, frozenset(secret), tuple(self.ignored), tuple(self.problems))

    def _configuration(self, root: yaml.Node | None, further: int | None) -> Iterator[tuple[str, yaml.Node]]:
        """The keys below `config:`, in full, and their values."""
        if further is not None:
            remedy = "Remove it, or the line `---` before it: Pulumi reads the first document only."
            self._ignore(f"line {further}", "a second document", remedy)
        config = None
        for key, _, value in self._members(root, "") if root and not self._empty(root) else ():
            if key == "config":
                config = value
            elif key == "environment":
                self._refuse(key, "environments of Pulumi ESC", "Only Pulumi can read what they say about the stack.")
            elif key not in _OTHER_KEYS:
                remedy = f"Write it below `config:`, indented: beside it Pulumi reads only {', '.join(_OTHER_KEYS)}."
                self._ignore(shown_path(key), f"the key {shown(key)} at the file's margin", remedy)
        members = [] if config is None or self._empty(config) else self._members(config, "config")
        full = [(name, mark, value) for key, mark, value in members if (name := self._full(key))]
        lines = {name: mark.line + 1 for name, mark, _ in full}
        for name, count in Counter(name for name, _, _ in full).items():
            if count > 1:
                found = f"the key {count} times, with and without its namespace, the last on line {lines[name]}"
                self._ignore(shown_path(name), found, "Keep one of them: Pulumi takes one at random.")
        yield from {name: value for name, _, value in full}.items()

    def _full(self, key: str) -> str | None:
        """A key with its namespace, as Pulumi spells it."""
        namespace, *rest = key.split(":")
        match rest:
            case []:
                return f"{NAMESPACE}:{key}"
            case [name] | ["config", name]:
                return f"{namespace}:{name}"
        self._refuse(shown_path(key), "a key with several colons", "Write NAMESPACE:KEY, as in quorate:cluster.")
        return None

    def _empty(self, node: yaml.Node) -> bool:
        return isinstance(node, yaml.ScalarNode) and node.tag == _PLAIN and _meaning(node.value) is None

    def _value(self, node: yaml.Node, path: str) -> Any:
        self.values += 1
        if self.values > _MOST_VALUES:
            raise NotYaml(f"it has more than {_MOST_VALUES:,} values, counting what aliases repeat")
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        if self._tagged(node, "seq" if isinstance(node, yaml.SequenceNode) else "map", path):
            return None
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item, f"{path}[{number}]") for number, item in enumerate(node.value)]
        read = {key: self._value(value, path_of_entry(path, key)) for key, _, value in self._members(node, path)}
        if read.keys() == {"secure"} and isinstance(read["secure"], str):
            self.encrypted = True
        return read

    def _scalar(self, node: yaml.ScalarNode, path: str) -> Any:
        _whole_characters(node)
        if node.tag == _TEXT:
            return node.value
        if node.tag != _PLAIN:
            self._tagged(node, "str", path)
            return None
        date = _DATE.fullmatch(node.value)
        if date and 1 <= int(date[1]) <= 12 and 1 <= int(date[2]) <= 31:
            self._refuse(path, f"the date {shown(node.value)}", "Put it in quotes if it is a text.")
            return None
        read = _meaning(node.value)
        if isinstance(read, float) and not math.isfinite(read):
            self._refuse(path, shown(node.value), "Write a number, or put it in quotes if it is a text.")
            return None
        return read

    def _tagged(self, node: yaml.Node, kind: str, path: str) -> bool:
        if node.tag == f"tag:yaml.org,2002:{kind}":
            return False
        self._refuse(path, f"the tag {shown(node.tag)}", "Remove it, and write the value itself.")
        return True

    def _members(self, node: yaml.Node, path: str) -> list[tuple[str, yaml.Mark, yaml.Node]]:
        """The keys of a mapping with their values; those that it merges in (`<<`) after its own."""
        if not isinstance(node, yaml.MappingNode):
            self._refuse(path or "the file", _kind(node), "Write an object here: its keys indented below it.")
            return []
        members: dict[str, tuple[str, yaml.Mark, yaml.Node]] = {}
        merged: list[yaml.Node] = []
        for key_node, value in node.value:
            self.values += 1
            plain = isinstance(key_node, yaml.ScalarNode) and key_node.tag == _PLAIN
            if plain and key_node.value == _MERGE:
                if merged:
                    self._refuse(
                        path_of_entry(path, _MERGE), "the key a second time", "Merge a list of objects instead."
                    )
                merged.extend(value.value if isinstance(value, yaml.SequenceNode) else [value])
                continue
            key = self._key(key_node, path)
            if key is None:
                continue
            if key in members:
                line = f"line {key_node.start_mark.line + 1}"
                self._refuse(
                    path_of_entry(path, key) if path else key, f"the key a second time, on {line}", "Keep one of them."
                )
            members.setdefault(key, (key, key_node.start_mark, value))
        for other in merged:
            for member in self._members(other, path_of_entry(path, _MERGE)):
                members.setdefault(member[0], member)
        return list(members.values())

    def _key(self, node: yaml.Node, path: str) -> str | None:
        read = None
        if isinstance(node, yaml.ScalarNode) and node.tag in (_PLAIN, _TEXT):
            _whole_characters(node)
            read = node.value if node.tag == _TEXT else _meaning(node.value)
        if isinstance(read, bool):
            return "true" if read else "false"
        if isinstance(read, int | str):
            return str(read)
        self._refuse(path or "the file", f"a key that is {_kind(node)}", "Write a text as the key, in quotes.")
        return None

    def _refuse(self, path: str, found: str, remedy: str) -> None:
        self.problems.append(Problem(shown_path(path), found, remedy))

    def _ignore(self, path: str, found: str, remedy: str) -> None:
        self.ignored.append(Problem(path, found, remedy))


def _whole_characters(node: yaml.ScalarNode) -> None:
    if not node.value.isascii() and any("\ud800" <= sign <= "\udfff" for sign in node.value):
        raise NotYaml(f"line {node.start_mark.line + 1} has an escape (\\uD800 to \\uDFFF) that is no character")


def _kind(node: yaml.Node) -> str:
    if isinstance(node, yaml.ScalarNode):
        return shown(node.value) if node.value else "nothing"
    return "an object" if isinstance(node, yaml.MappingNode) else "a list"


def _meaning(word: str) -> object:
    """What yaml.v3 takes a word without quotes for."""
    if word in _WORDS:
        return _WORDS[word]
    if word[0] not in "+-.0123456789":
        return word
    digits = word if word[0] == "." else word.replace("_", "")
    if whole := _WHOLE.fullmatch(digits):
        number = _whole(whole[2])
        low, high = (-(2**63), 0) if whole[1] == "-" else (0, 2**63 - 1 if whole[1] else 2**64 - 1)
        if low <= (signed := -number if whole[1] == "-" else number) <= high:
            return signed
    if not _FRACTION.fullmatch(digits):
        return word
    fraction = float(digits)
    if not math.isfinite(fraction):
        return word
    return int(fraction) if fraction.is_integer() and abs(fraction) < 1e21 else fraction


def _whole(digits: str) -> int:
    if len(digits) == 1 or digits[0] != "0":
        return int(digits)
    return int(digits, _BASES.get(digits[1].lower(), 8)) if digits[1].isalpha() else int(digits, 8)
