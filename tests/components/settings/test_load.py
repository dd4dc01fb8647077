"""The configuration of a stack becomes settings, or one readable error."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pulumi
import pytest
from pulumi.runtime.config import set_all_config

from components.delivery.user_data_limit import exceeded_user_data
from components.settings.load import load, settings_of
from tests.components.long_settings import with_long_arguments
from tests.components.settings.stack_files import LARGE, SMALL, changed, committed


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


def test_settings_that_cannot_be_built_yet_are_refused_and_not_left_out() -> None:
    message = refusal(config(LARGE))
    assert "quorate:backups.enabled" in message
    assert message.count("Not built yet") == 1


def test_what_a_living_cluster_refuses_is_reported_with_the_other_problems() -> None:
    living = settings_of(config(SMALL), "education", None)
    with pytest.raises(pulumi.RunError) as refused:
        settings_of(config(changed(SMALL, network__podCidr="10.245.0.0/16"), region=None), "education", living)
    assert "2 problems; nothing was created or changed" in str(refused.value)
    assert all(path in str(refused.value) for path in ("aws:region", "quorate:network.podCidr"))


def test_user_data_beyond_what_ec2_takes_is_refused_with_the_other_problems() -> None:
    with pytest.raises(pulumi.RunError) as refused:
        settings_of(config(with_long_arguments(SMALL), region=None), "s", None, checks=[exceeded_user_data])
    assert "2 problems; nothing was created or changed" in str(refused.value)
    assert all(path in str(refused.value) for path in ("aws:region", "quorate:controlPlane.apiServerArguments"))
