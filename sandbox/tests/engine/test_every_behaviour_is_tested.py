"""What the engine expects of whatever stands behind it, and the test against the real engine that shows each.

A stand-in is as honest as this table is complete: a new plugin gets a column, and a test that is renamed breaks it.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from sandbox.engine import install

TESTS = Path(__file__).resolve().parents[1]
LOCAL = "engine/command/test_local.py"
REMOTE = "engine/command/test_remote.py"
KUBERNETES = "engine/kubernetes/test_plugin_on_an_api_server.py"
OWNERSHIP = "engine/kubernetes/test_field_ownership.py"
HOST = "engine/test_language_host.py"
BUILT = "engine/test_built_plugins.py"
AWS = "cloud/api/provider/test_provider_in_trouble.py"

BEHAVIOURS = (
    "diff", "replace", "secrets", "unknowns at preview", "refresh", "import", "cancel", "parallel requests",
    "killed in the middle",
)  # fmt: skip

SHOWN_BY: dict[str, dict[str, str | tuple[str, str]]] = {
    "command": {
        "diff": (LOCAL, "test_an_update_preview_keeps_results_unless_an_input_changes"),
        "replace": (LOCAL, "test_a_trigger_replaces_and_create_runs_again"),
        "secrets": (LOCAL, "test_secret_inputs_stay_secret_and_results_are_plain"),
        "unknowns at preview": (LOCAL, "test_previews_run_nothing_and_leave_results_unknown"),
        "refresh": (LOCAL, "test_without_a_change_nothing_runs"),
        "import": (LOCAL, "test_an_imported_command_has_the_state_that_it_is_given"),
        "cancel": (
            REMOTE,
            "test_interrupting_waits_for_a_command_that_runs_on_a_host_and_time_limits_do_not_end_it",
        ),
        "parallel requests": (REMOTE, "test_commands_share_nothing_when_they_run_in_parallel"),
        "killed in the middle": (
            LOCAL,
            "test_a_plugin_killed_in_the_middle_fails_the_update_and_the_next_one_finishes",
        ),
    },
    "kubernetes": {
        "diff": (KUBERNETES, "test_a_field_that_is_left_out_later_goes_from_the_cluster"),
        "replace": (KUBERNETES, "test_changed_data_makes_a_new_config_map_before_the_old_one_goes"),
        "secrets": (KUBERNETES, "test_what_a_secret_holds_is_encrypted_in_the_state"),
        "unknowns at preview": (
            KUBERNETES,
            "test_a_kubeconfig_that_is_made_in_the_same_run_is_unknown_in_the_preview",
        ),
        "refresh": (KUBERNETES, "test_refresh_sees_what_was_changed_behind_the_provider_and_up_repairs_it"),
        "import": (KUBERNETES, "test_an_object_that_exists_is_imported_and_then_unchanged"),
        "cancel": (KUBERNETES, "test_an_interrupted_up_ends_its_wait_and_keeps_the_object"),
        "parallel requests": (KUBERNETES, "test_many_objects_are_made_at_once"),
        "killed in the middle": (OWNERSHIP, "test_after_a_creation_that_was_cut_off_a_dropped_field_goes"),
    },
    "language host": {
        "diff": "the engine compares, with the plugin of the resource",
        "replace": "the engine decides, with the plugin of the resource",
        "secrets": (HOST, "test_what_is_computed_from_a_secret_is_secret"),
        "unknowns at preview": (HOST, "test_what_is_not_known_yet_is_not_computed_with_in_a_preview"),
        "refresh": "no program runs",
        "import": "no program runs",
        "cancel": (HOST, "test_interrupting_ends_a_program_that_runs"),
        "parallel requests": (HOST, "test_many_resources_are_registered_at_once"),
        "killed in the middle": (HOST, "test_after_a_kill_in_the_middle_up_fails_and_the_next_one_finishes"),
    },
    "tls": {
        "diff": (BUILT, "test_another_curve_replaces_the_key_and_what_was_made_with_it"),
        "replace": (BUILT, "test_another_curve_replaces_the_key_and_what_was_made_with_it"),
        "secrets": (BUILT, "test_a_private_key_is_encrypted_in_the_state_and_what_is_public_is_not"),
        "unknowns at preview": (BUILT, "test_what_depends_on_a_key_is_unknown_until_the_key_is_made"),
        "refresh": (BUILT, "test_a_refresh_of_what_is_in_the_state_alone_finds_no_drift"),
        "import": (BUILT, "test_what_cannot_be_imported_is_refused"),
        "cancel": "nothing in it waits",
        "parallel requests": (BUILT, "test_many_keys_are_made_at_once"),
        "killed in the middle": (BUILT, "test_after_the_plugin_was_killed_in_the_middle_the_next_up_finishes"),
    },
    "aws": {
        "diff": (AWS, "test_a_tag_is_changed_in_place_and_a_description_replaces_the_group_and_its_rule"),
        "replace": (AWS, "test_a_tag_is_changed_in_place_and_a_description_replaces_the_group_and_its_rule"),
        "secrets": (AWS, "test_a_secret_parameter_is_encrypted_in_the_state"),
        "unknowns at preview": (AWS, "test_a_preview_makes_nothing_and_does_not_know_ids_that_come_later"),
        "refresh": (AWS, "test_refresh_sees_what_was_changed_behind_the_provider_and_up_repairs_it"),
        "import": (AWS, "test_what_exists_is_imported_and_then_unchanged"),
        "cancel": (AWS, "test_an_interrupted_up_sees_its_machine_run_and_keeps_it"),
        "parallel requests": (AWS, "test_many_groups_are_made_at_once"),
        "killed in the middle": (
            AWS,
            "test_after_the_provider_was_killed_in_a_wait_the_next_up_finishes_with_a_machine_of_its_own",
        ),
    },
}


@pytest.mark.parametrize("plugin", SHOWN_BY)
def test_every_behaviour_has_a_test_or_a_reason_why_there_is_none(plugin: str) -> None:
    assert tuple(SHOWN_BY[plugin]) == BEHAVIOURS
    named = [shown for shown in SHOWN_BY[plugin].values() if not isinstance(shown, str)]
    assert [(file, test) for file, test in named if test not in names_in(file)] == []


def test_every_plugin_that_is_installed_has_its_column() -> None:
    assert {*install._BUILT, *install._WRITTEN} == set(SHOWN_BY) - {"language host"}


def names_in(file: str) -> set[str]:
    """Names of the tests of a file, which must be marked for the real engine."""
    text = (TESTS / file).read_text()
    assert "pytestmark = pytest.mark.engine" in text
    return {item.name for item in ast.parse(text).body if isinstance(item, ast.FunctionDef)}
