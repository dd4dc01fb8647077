"""What holds for every add-on, so that another one cannot leave it out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from components.addons import catalogue
from components.addons.contract import AddOn
from components.addons.installed import DECLARED
from components.addons.metrics_server.addon import METRICS_SERVER
from components.cluster import Cluster
from components.identity.statements import Account, Statement
from components.plan import Plan, Role
from tests.components.education import ANSWERS, outputs
from tests.components.recording import Recorded, Recording, record
from tests.components.settings.stack_files import CHECKOUT
from tests.components.stacks import settings_of

ALL_WANTED = settings_of("dev", addons__metricsServer=True, addons__storageClassProvisioner="ebs.csi.aws.com")
# Workloads that the provider waits for until they run.
AWAITED = {"Deployment", "DaemonSet", "StatefulSet", "Job"}
# What works as soon as the API has accepted it.
COMPLETE_WHEN_MADE = {
    "ClusterRole", "ClusterRoleBinding", "ConfigMap", "Namespace", "PodDisruptionBudget", "Role", "RoleBinding",
    "Secret", "ServiceAccount", "StorageClass",
}  # fmt: skip


def everything() -> Recording:
    """What a stack with every add-on registers."""

    def program() -> None:
        Cluster("all", ALL_WANTED)

    return record(program, outputs, ANSWERS)


@pytest.fixture(scope="module")
def objects() -> list[Recorded]:
    """The objects of add-ons in the cluster."""
    return [
        resource
        for resource in everything().resources.values()
        if resource.type.startswith("kubernetes:") and not resource.parent.startswith("quorate:addons:Smoke ")
    ]


def _images(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (each for key, each in value.items() if key == "image")
        for each in value.values():
            yield from _images(each)
    elif isinstance(value, list):
        for each in value:
            yield from _images(each)


def test_every_folder_is_an_add_on_in_the_catalogue_and_is_declared() -> None:
    folders = {path.parent.name for path in (CHECKOUT / "components/addons").glob("*/*.py")}
    assert folders == {addon.name for addon in catalogue.ADDONS} == set(DECLARED)
    assert len(catalogue.ADDONS) == len(folders)


def test_these_settings_want_every_add_on() -> None:
    assert list(catalogue.wanted_addons(Plan(ALL_WANTED))) == list(catalogue.ADDONS)


@pytest.mark.parametrize("addon", catalogue.ADDONS, ids=lambda addon: addon.name)
def test_an_image_is_named_with_its_registry_and_pinned_by_version(addon: AddOn) -> None:
    for image in addon.images(Plan(ALL_WANTED)):
        assert re.fullmatch(r"[\w-]+(\.[\w-]+)+/[\w./-]+:v?\d+\.\d+\.\d+[\w.-]*", image), image


def test_add_ons_run_the_images_that_they_name_and_no_others(objects: list[Recorded]) -> None:
    named = {image for addon in catalogue.ADDONS for image in addon.images(Plan(ALL_WANTED))}
    assert {image for one in objects for image in _images(one.inputs)} == named


def test_it_is_known_of_every_object_how_it_is_waited_for(objects: list[Recorded]) -> None:
    silent = []
    for one in objects:
        annotations = one.inputs["metadata"].get("annotations", {})
        says = {"pulumi.com/waitFor", "pulumi.com/skipAwait"} & set(annotations)
        if not says and one.inputs["kind"] not in AWAITED | COMPLETE_WHEN_MADE:
            silent.append(one.key)
    assert silent == [], "annotate it, or add its kind to those that need no waiting"


def test_every_object_goes_with_the_cluster(objects: list[Recorded]) -> None:
    assert {one.deleted_with for one in objects} == {"aws:ec2/vpc:Vpc all-network-vpc"}


def test_what_an_add_on_needs_of_aws_is_allowed_to_machines_of_its_role_and_to_no_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def needs(account: Account, plan: Plan, role: Role) -> list[Statement]:
        action = {Role.CONTROL_PLANE: "ec2:DescribeVolumes", Role.WORKER: "ec2:DescribeInstances"}.get(role)
        return [{"Effect": "Allow", "Action": action, "Resource": "*"}] if action else []

    monkeypatch.setattr(catalogue, "ADDONS", (replace(METRICS_SERVER, statements=needs),))
    allowed = {
        policy.name: {statement["Action"] for statement in json.loads(policy.inputs["policy"])["Statement"]}
        for policy in everything().of_type("aws:iam/rolePolicy:RolePolicy")
    }
    assert {name for name, actions in allowed.items() if "ec2:DescribeVolumes" in actions} == {
        name for name in allowed if name.startswith("all-control-plane-")
    }
    assert {name for name, actions in allowed.items() if "ec2:DescribeInstances" in actions} == {"all-workers-policy"}


def test_statements_of_add_ons_that_are_not_wanted_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    statement: Statement = {"Effect": "Allow", "Action": "ec2:DescribeVolumes", "Resource": "*"}
    addon = replace(METRICS_SERVER, statements=lambda account, plan, role: [statement])
    monkeypatch.setattr(catalogue, "ADDONS", (addon,))
    account, without = Account("aws", "eu-central-1", "123456789012"), settings_of("dev", addons__metricsServer=False)
    assert list(catalogue.addon_statements(account, Plan(ALL_WANTED), Role.WORKER)) == [statement]
    assert list(catalogue.addon_statements(account, Plan(without), Role.WORKER)) == []
