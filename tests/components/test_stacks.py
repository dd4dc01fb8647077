"""What holds for every committed stack."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.components.golden_files import assert_is_reviewed
from tests.components.recording import Recording
from tests.components.stacks import COMMAND, INSTANCE, STACKS, TEMPLATE, recorded


@pytest.fixture(params=STACKS, name="stack")
def a_stack(request: pytest.FixtureRequest) -> Recording:
    return recorded(request.param)


def texts(value: Any) -> list[str]:
    """Every text in a property that is not below a Secret."""
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for item in inner for text in texts(item)]


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_the_tree_of_resources_is_the_reviewed_one(name: str) -> None:
    found = sorted(recorded(name).resources.values(), key=lambda r: r.key)
    assert_is_reviewed(f"{name}-tree.txt", "".join(f"{r.key} < {r.parent}\n" for r in found))


def test_every_resource_but_the_cluster_has_a_parent(stack: Recording) -> None:
    orphans = [r.type for r in stack.resources.values() if not r.parent]
    assert orphans == ["quorate:index:Cluster"]


def test_no_private_key_is_in_a_plain_property(stack: Recording) -> None:
    assert [r.key for r in stack.resources.values() if any("PRIVATE KEY" in text for text in texts(r.inputs))] == []


def test_every_disk_is_encrypted(stack: Recording) -> None:
    for volume in stack.of_type("aws:ebs/volume:Volume"):
        assert volume.inputs["encrypted"] is True
    for machine in stack.of_type(INSTANCE):
        assert machine.inputs["rootBlockDevice"]["encrypted"] is True
    for template in stack.of_type(TEMPLATE):
        assert [disk["ebs"]["encrypted"] for disk in template.inputs["blockDeviceMappings"]] == ["true"]


def test_metadata_needs_a_token_and_is_out_of_reach_of_pods(stack: Recording) -> None:
    for machine in [*stack.of_type(INSTANCE), *stack.of_type(TEMPLATE)]:
        options = machine.inputs["metadataOptions"]
        assert (options["httpTokens"], options["httpPutResponseHopLimit"]) == ("required", 1)


def test_machines_are_never_replaced_by_a_newer_image_and_one_at_a_time_where_they_keep_a_disk(
    stack: Recording,
) -> None:
    for machine in stack.of_type(INSTANCE):
        assert machine.delete_before_replace
        assert set(machine.ignore_changes) == {"ami", "userDataBase64"}
    for template in stack.of_type(TEMPLATE):
        assert template.ignore_changes == ("imageId",)


def test_the_volumes_and_the_keys_to_them_are_protected_where_a_stack_says_so(stack: Recording) -> None:
    protected = {r.name for r in stack.resources.values() if r.protect}
    volumes = {r.name for r in stack.of_type("aws:ebs/volume:Volume")}
    authorities = {f"prod-pki-{of}-ca" for of in ("cluster", "front-proxy", "etcd")}
    keys = {"prod-pki-service-accounts", "prod-pki-encryption"}
    is_prod = any(r.name == "prod" for r in stack.resources.values())
    assert protected == (volumes | authorities | keys if is_prod else set())
    left = [r for r in stack.resources.values() if r.retain_on_delete]
    assert all(r.parent.startswith("quorate:backups:SnapshotStore ") for r in left), "destroy leaves snapshots alone"


def test_a_disk_of_etcd_outlives_its_instance(stack: Recording) -> None:
    for volume in stack.of_type("aws:ebs/volume:Volume"):
        assert not volume.deleted_with
        assert not {key for key in volume.depends_on if key.startswith(INSTANCE)}


def test_roles_have_no_condition_and_no_wildcard_but_in_what_has_no_resource(stack: Recording) -> None:
    for policy in stack.of_type("aws:iam/rolePolicy:RolePolicy"):
        for statement in json.loads(policy.inputs["policy"])["Statement"]:
            assert isinstance(statement["Action"], str)
            assert "*" not in statement["Action"]
            if statement["Resource"] == "*":
                assert statement["Action"] in (
                    "autoscaling:DescribeAutoScalingGroups",
                    "elasticloadbalancing:DescribeTargetGroups",
                    "elasticloadbalancing:DescribeTargetHealth",
                )


def test_every_remote_command_pins_the_host_key_of_its_machine_and_dies_with_it(stack: Recording) -> None:
    for command in stack.of_type(COMMAND):
        connection = command.inputs["connection"].value
        machine = command.deleted_with.removeprefix(f"{INSTANCE} ").removesuffix("-instance")
        assert connection["hostKey"] == f"ssh-ed25519 AAAA{machine}-host-key-key\n"
        assert command.inputs["triggers"] == [f"{machine}-instance-id"]


def test_everything_that_can_carry_tags_names_its_cluster(stack: Recording) -> None:
    for resource in stack.resources.values():
        tags = resource.inputs.get("tags", {"quorate:cluster": ""})
        assert "quorate:cluster" in (tags if isinstance(tags, dict) else {tag["key"] for tag in tags}), resource.key
