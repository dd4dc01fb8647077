"""Settings that make no sense are refused, each at its own key path."""

from __future__ import annotations

from typing import Any

import pytest

from components.settings.encode import plain
from components.settings.problems import InvalidSettings
from components.settings.validate import parse
from tests.components.settings.bad_arguments import BAD_ARGUMENTS
from tests.components.settings.bad_settings import BAD
from tests.components.settings.stack_files import LARGE, SMALL, changed


@pytest.mark.parametrize(
    ("values", "key_path", "remedy"), BAD, ids=[f"{path}-{n}" for n, (_, path, _) in enumerate(BAD)]
)
def test_each_bad_setting_is_refused_at_its_key_path_and_alone(
    values: dict[str, Any], key_path: str, remedy: str
) -> None:
    with pytest.raises(InvalidSettings) as refusal:
        parse(changed(SMALL, **values))
    (problem,) = refusal.value.problems
    assert problem.key_path == f"quorate:{key_path}"
    assert problem.found
    assert len(problem.found) < 120
    assert problem.found.isprintable()
    assert remedy in problem.remedy


@pytest.mark.parametrize(("name", "value", "remedy"), BAD_ARGUMENTS, ids=[f"{n}={v}" for n, v, _ in BAD_ARGUMENTS])
def test_each_argument_that_an_api_server_cannot_have_is_refused_at_its_key_path(
    name: str, value: str, remedy: str
) -> None:
    with pytest.raises(InvalidSettings) as refusal:
        parse(changed(SMALL, controlPlane__apiServerArguments={name: value}))
    (problem,) = refusal.value.problems
    assert problem.key_path == f"quorate:controlPlane.apiServerArguments.{name}"
    assert value[:20] in problem.found
    assert remedy in problem.remedy
    assert problem.remedy.endswith((".", "?"))


def test_there_are_many_different_bad_values() -> None:
    assert len({repr(values) for values, *_ in BAD} | {f"{name}={value}" for name, value, _ in BAD_ARGUMENTS}) > 300


def test_every_key_that_is_misspelt_by_one_letter_is_refused_with_the_right_one() -> None:
    keys = [(group, key) for group, value in plain(parse(LARGE)).items() if isinstance(value, dict) for key in value]
    keys = [(group, key) for group, key in keys if group != "tags"]
    assert len(keys) > 35
    for group, key in keys:
        wrong = key[:-2] + key[-1]
        with pytest.raises(InvalidSettings) as refusal:
            parse(changed(SMALL, **{f"{group}__{wrong}": 1}))
        found = {problem.key_path: problem.remedy for problem in refusal.value.problems}
        assert f"Did you mean {key}?" in found[f"quorate:{group}.{wrong}"]


def test_problems_everywhere_are_reported_together() -> None:
    bad = changed(
        LARGE,
        cluster__name="Large",
        network__podCidr="10.64.0.0/16",
        access__sshCidrs=["0.0.0.0/0"],
        etcd__members=4,
        controlPlane__count=2,
        workers__1__zones=[4],
        workers__1__name="general",
        backups__intervall=3,
        tags={"aws:x": "y"},
    )
    with pytest.raises(InvalidSettings) as refusal:
        parse(bad)
    assert {problem.key_path.removeprefix("quorate:") for problem in refusal.value.problems} == {
        "cluster.name",
        "network.podCidr",
        "access.sshCidrs[0]",
        "etcd.members",
        "controlPlane.count",
        "workers[1].zones[0]",
        "workers[1].name",
        "backups.intervall",
        "tags.aws:x",
    }


def test_a_value_that_could_not_be_read_raises_no_second_problem() -> None:
    bad = changed(SMALL, network__podCidr="10.20.0.0/99", etcd__heartbeatIntervalMs="fast", etcd__electionTimeoutMs=100)
    with pytest.raises(InvalidSettings) as refusal:
        parse(bad)
    assert [problem.key_path for problem in refusal.value.problems] == [
        "quorate:network.podCidr",
        "quorate:etcd.heartbeatIntervalMs",
    ]


def test_every_problem_says_what_was_found_and_what_to_do() -> None:
    with pytest.raises(InvalidSettings) as refusal:
        parse(changed(LARGE, etcd__members=4, network__zones="x" * 500))
    for problem in refusal.value.problems:
        assert problem.found
        assert len(problem.found) < 120
        assert problem.remedy.endswith(".")
        assert str(problem).startswith("quorate:")
