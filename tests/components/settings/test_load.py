"""The configuration of a stack becomes settings, or one readable error."""

from __future__ import annotations

import gc
import json
import runpy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime.config import set_all_config

from components import previous_update
from components.delivery.user_data_limit import exceeded_user_data
from components.settings.load import load, settings_of
from tests.components.long_settings import with_long_arguments
from tests.components.settings.stack_files import CHECKOUT, SMALL, changed, committed


def config(groups: Mapping[str, Any], region: str | None = "eu-central-1") -> dict[str, str]:
    """A configuration as the engine hands it over: full keys, objects as JSON, strings as they are."""
    return {
        **{f"quorate:{key}": json.dumps(value) for key, value in groups.items()},
        **({"aws:region": region} if region else {}),
    }


def refusal(values: Mapping[str, str]) -> str:
    with pytest.raises(pulumi.RunError) as error:
        settings_of(values, "education", None)
    return str(error.value)


def test_the_committed_education_stack_is_accepted_and_can_be_built() -> None:
    stack = committed("education")
    values = {key: value if isinstance(value, str) else json.dumps(value) for key, value in stack.items()}
    settings = settings_of(values, "education", None)
    assert settings.cluster.name == "education"
    assert settings.control_plane.schedulable


def test_the_configuration_that_the_engine_sets_is_read() -> None:
    set_all_config(config(changed(SMALL, cluster__name="from-engine")), [])
    try:
        assert load(None).cluster.name == "from-engine"
    finally:
        set_all_config({}, [])


def test_all_problems_are_in_one_error_with_their_number() -> None:
    message = refusal(config(changed(SMALL, cluster__name="Big", network__zones=9), region=None))
    assert "3 problems; nothing was created or changed" in message
    assert all(path in message for path in ("aws:region", "quorate:cluster.name", "quorate:network.zones"))
    assert "docs/settings.md" in message


@pytest.mark.parametrize("region", ["", "frankfurt", "EU-CENTRAL-1", "eu-central-1a"])
def test_a_region_that_is_none_is_refused(region: str) -> None:
    assert "aws:region" in refusal(config(SMALL, region))


def test_a_zone_of_another_region_is_refused() -> None:
    message = refusal(config(changed(SMALL, network__zoneNames=["eu-west-1a"])))
    assert "quorate:network.zoneNames[0]" in message
    assert "such as eu-central-1a" in message


def test_keys_of_other_namespaces_are_left_to_their_owners() -> None:
    assert (
        settings_of({**config(SMALL), "aws:profile": "me", "pulumi:autonaming": "{}"}, "s", None).cluster.name
        == "small"
    )


def test_a_group_that_is_not_an_object_is_refused() -> None:
    assert "quorate:network" in refusal({**config(SMALL), "quorate:network": "10.0.0.0/16"})


def test_an_encrypted_setting_is_refused_and_not_shown() -> None:
    values = config(changed(SMALL, tags={"password": "hunter2-is-secret"}))
    set_all_config(values, ["quorate:tags"])
    try:
        message = refusal(values)
    finally:
        set_all_config({}, [])
    assert "quorate:tags" in message
    assert "hunter2-is-secret" not in message


def test_what_a_living_cluster_refuses_is_reported_with_the_other_problems() -> None:
    living = settings_of(config(SMALL), "education", None)
    with pytest.raises(pulumi.RunError) as refused:
        settings_of(config(changed(SMALL, network__podCidr="10.245.0.0/16"), region=None), "education", living)
    assert "2 problems; nothing was created or changed" in str(refused.value)
    assert all(path in str(refused.value) for path in ("aws:region", "quorate:network.podCidr"))


def test_what_a_living_cluster_refuses_is_told_in_the_round_of_wrong_values() -> None:
    living = settings_of(config(SMALL), "education", None)
    bad = changed(SMALL, network__podCidr="10.245.0.0/16", network__zones=9, etcd__volumeGib="x")
    with pytest.raises(pulumi.RunError) as refused:
        settings_of(config(bad), "education", living)
    assert "3 problems; nothing was created or changed" in str(refused.value)
    for path in ("network.podCidr", "network.zones", "etcd.volumeGib"):
        assert f"quorate:{path}" in str(refused.value)


def test_a_value_that_could_not_be_read_is_not_held_against_a_living_cluster() -> None:
    living = settings_of(config(changed(SMALL, network__podCidr="10.245.0.0/16")), "education", None)
    with pytest.raises(pulumi.RunError) as refused:
        settings_of(config(changed(SMALL, network="10.0.0.0/16")), "education", living)
    assert "have one problem;" in str(refused.value)


def test_a_namespace_that_nobody_reads_is_refused_with_the_one_that_is_meant() -> None:
    message = refusal({**config(SMALL), "qourate:etcd": '{"topology": "external"}'})
    assert "Did you mean quorate:etcd?" in message


def test_what_pulumi_left_out_of_the_stack_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "stacks").mkdir()
    file = tmp_path / f"stacks/Pulumi.{pulumi.get_stack()}.yaml"
    monkeypatch.setattr(pulumi.runtime, "get_root_directory", lambda: str(tmp_path))
    set_all_config(config(SMALL), [])
    try:
        assert load(None).cluster.name == "small"
        file.write_text("config:\n  quorate:cluster: {name: small}\nquorate:backups: {intervalHours: 12}\n")
        with pytest.raises(pulumi.RunError, match="at the file's margin"):
            load(None)
        file.write_text("config:\n  quorate:tags: {a: b}\nquorate:backups: {intervalHours: 12}\n")
        assert load(None).cluster.name == "small"
    finally:
        set_all_config({}, [])


def test_a_refusal_ends_the_program_as_one_that_has_said_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(pulumi.log, "error", said.append)
    monkeypatch.setattr(previous_update, "previous_update", previous_update.PreviousUpdate)
    set_all_config(config(SMALL, region=None), [])
    try:
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(CHECKOUT / "__main__.py"))
    finally:
        set_all_config({}, [])
        gc.enable()
    # The code that Pulumi's own executor uses after an error that it has shown.
    assert ended.value.code == 32
    (words,) = said
    assert "nothing was created or changed.\n  1. aws:region" in words


def test_user_data_beyond_what_ec2_takes_is_refused_with_the_other_problems() -> None:
    with pytest.raises(pulumi.RunError) as refused:
        settings_of(config(with_long_arguments(SMALL), region=None), "s", None, checks=[exceeded_user_data])
    assert "2 problems; nothing was created or changed" in str(refused.value)
    assert all(path in str(refused.value) for path in ("aws:region", "quorate:controlPlane.apiServerArguments"))
