"""A stack file is read as Pulumi reads it, and what Pulumi leaves out without a word is found."""

from __future__ import annotations

import json
from typing import Any

import pytest

from components.settings.config_values import TOO_DEEP, decoded, groups_of
from components.settings.stack_file import ignored_by_pulumi, read_stack_file
from tests.components.settings.stack_files import CHECKOUT, committed


def config(text: str) -> dict[str, str]:
    """The configuration of a file without faults, by its lines below `config:`."""
    file = read_stack_file(f"config:\n  {text}\n".encode())
    assert (file.ignored, file.problems) == ((), ())
    return dict(file.config)


# What the engine of .pulumi.version hands on.
WORDS: list[tuple[str, Any]] = [
    ("20", 20), ("020", 16), ("08", 8), ("0o24", 20), ("0x14", 20), ("0b10100", 20), ("-0b11", -3), ("+5", 5),
    ("20.0", 20), ("2e1", 20), ("20.5", 20.5), (".5", 0.5), ("1_000", 1000), ("18446744073709551615", 2**64 - 1),
    ("1:30", "1:30"), ("0o8", "0o8"), ("0x", "0x"), ("_1", "_1"), ("+", "+"), (".", "."), ("1.36.4", "1.36.4"),
    ("true", True), ("False", False), ("TRUE", True), ("yes", "yes"), ("no", "no"), ("on", "on"), ("n", "n"),
    ("~", None), ("null", None), ("", None), ("nil", "nil"), ("2026-13-45", "2026-13-45"), ("9" * 5000, "9" * 5000),
    ("'20'", "20"), ('"true"', "true"), ("'2026-01-02'", "2026-01-02"), ("!!str 20", "20"), ("! 20", 20),
    ("|\n      20", "20\n"), ("{<<: {a: 1, b: 2}, b: 3}", {"b": 3, "a": 1}),
    ("{1: a, true: b}", {"1": "a", "true": "b"}),
    ("[&x {a: 1}, *x]", [{"a": 1}, {"a": 1}]), ("{<<: [{a: 1}, {a: 2, b: 2}]}", {"a": 1, "b": 2}),
]  # fmt: skip


@pytest.mark.parametrize(("word", "meaning"), WORDS, ids=[word[:20] for word, _ in WORDS])
def test_a_word_means_what_it_means_to_pulumi(word: str, meaning: Any) -> None:
    assert json.loads(config(f"quorate:etcd:\n    x: {word}")["quorate:etcd"]) == {"x": meaning}


def test_a_text_by_itself_is_handed_on_as_it_is_and_an_object_in_a_text_counts() -> None:
    assert config("aws:region: eu-central-1") == {"aws:region": "eu-central-1"}
    assert config('quorate:tags: \'{"a": "b"}\'') == {"quorate:tags": '{"a": "b"}'}
    assert groups_of(config('quorate:tags: \'{"a": "b"}\'')) == {"tags": {"a": "b"}}


def test_a_group_without_its_namespace_counts() -> None:
    assert config("backups: {intervalHours: 12}") == {"quorate:backups": '{"intervalHours": 12}'}
    assert config("aws:config:region: x") == {"aws:region": "x"}


def test_a_byte_order_mark_is_no_part_of_the_first_key() -> None:
    assert read_stack_file("\ufeffconfig: {a: b}".encode()).config == {"quorate:a": "b"}


def test_what_is_encrypted_is_known() -> None:
    file = read_stack_file(b"config: {tags: {a: {secure: v1}}, x: {secure: v1}, y: {secure: v1, b: c}, z: {secure: 1}}")
    assert file.secret == {"quorate:tags", "quorate:x"}


@pytest.mark.parametrize("stack", ["education", "dev", "prod"])
def test_the_committed_stacks_are_read_in_full(stack: str) -> None:
    file = read_stack_file((CHECKOUT / f"stacks/Pulumi.{stack}.yaml").read_bytes())
    assert {key: decoded(value) for key, value in file.config.items()} == committed(stack)
    assert (file.ignored, file.problems, file.secret) == ((), (), frozenset())


def test_what_pulumi_itself_writes_beside_the_configuration_is_left_alone() -> None:
    text = "encryptionsalt: v1\nencryptedkey: x\nsecretsprovider: passphrase\nconfig: {a: b}\n"
    assert read_stack_file(text.encode()).ignored == ()


MARGIN = b"config: {aws:region: x}\nquorate:backups: {}\n"


def test_the_program_hears_what_pulumi_left_out_of_the_file() -> None:
    assert [problem.key_path for problem in ignored_by_pulumi(MARGIN, {"aws:region": "x", "more": "y"})] == [
        "quorate:backups"
    ]


@pytest.mark.parametrize("content", [b"config: [", b"\xff", b"config: {a: &a [*a]}", b"", b"- 1"])
def test_the_program_is_silent_about_a_file_that_pulumi_must_have_read_otherwise(content: bytes) -> None:
    assert ignored_by_pulumi(content, {"aws:region": "x"}) == ()


def test_the_program_is_silent_about_a_file_that_its_configuration_is_not_from() -> None:
    assert ignored_by_pulumi(MARGIN, {"quorate:cluster": "x"}) == ()


@pytest.mark.parametrize("value", ["[" * 100_000 + "]" * 100_000, "[" * 100_000, '{"a":' * 100_000])
def test_a_value_that_is_nested_too_deeply_is_known_as_such(value: str) -> None:
    assert decoded(value) is TOO_DEEP


def test_a_number_of_any_length_is_decoded() -> None:
    assert decoded("9" * 5000) == float("inf")
    assert decoded("9" * 20) == int("9" * 20)
    assert decoded("1.36.4") == "1.36.4"
