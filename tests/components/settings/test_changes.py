"""A living cluster takes the changes that it can survive, and refuses the others with the reason."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from components.settings.changes import moves_of_the_api, refused_changes
from components.settings.validate import parse
from tests.components.settings.stack_files import LARGE, changed

OLD = parse(LARGE)


@pytest.mark.parametrize(
    "values",
    [
        {"cluster__containerdVersion": "2.3.8"},
        {"network__zones": 4},
        {"access__sshCidrs": ["198.51.100.0/24"]},
        {"etcd__volumeGib": 200},
        {"etcd__electionTimeoutMs": 2000},
        {"controlPlane__instanceType": "m7i.2xlarge"},
        {"controlPlane__apiServerArguments": {}},
        {"kubelet__maxPods": 110},
        {"workers": LARGE["workers"][:1]},
        {"networkPlugin__version": "3.32.0"},
        {"backups__enabled": False},
        {"tags": {}},
    ],
    ids=lambda values: next(iter(values)),
)
def test_a_change_that_can_be_made_is_not_refused(values: dict[str, Any]) -> None:
    new = parse(changed(LARGE, **values))
    assert new != OLD
    assert refused_changes(OLD, new) == ()


@pytest.mark.parametrize(
    ("values", "key_path", "remedy"),
    [
        ({"cluster__name": "other"}, "cluster.name", "certificate"),
        ({"cluster__kubernetesVersion": "1.37.1"}, "cluster.kubernetesVersion", "upgrades"),
        ({"cluster__domain": "other.internal"}, "cluster.domain", "kubeconfig"),
        ({"network__vpcCidr": "10.65.0.0/16"}, "network.vpcCidr", "every address"),
        ({"network__podCidr": "10.128.0.0/9"}, "network.podCidr", "every address"),
        ({"network__serviceCidr": "172.21.0.0/16"}, "network.serviceCidr", "every address"),
        ({"network__nat": "single"}, "network.nat", "other subnets"),
        ({"etcd__members": 3}, "etcd.members", "Choose 5 or more"),
        ({"etcd__volumeGib": 99}, "etcd.volumeGib", "100 or more"),
        ({"controlPlane__count": 1}, "controlPlane.count", "Choose 3 or more"),
        ({"networkPlugin__version": "3.31.0"}, "networkPlugin.version", "Change it back to '3.32.1'"),
        ({"networkPlugin": {"name": "flannel"}}, "networkPlugin.name", "two plugins"),
    ],
)
def test_a_change_that_would_break_the_cluster_is_refused(values: dict[str, Any], key_path: str, remedy: str) -> None:
    (problem,) = refused_changes(OLD, parse(changed(LARGE, **values)))
    assert problem.key_path == f"quorate:{key_path}"
    assert remedy in problem.remedy
    assert " instead of " in problem.found


def test_fewer_zones_are_refused() -> None:
    new = parse(changed(LARGE, network__zones=2, workers=LARGE["workers"][:1]))
    assert [problem.key_path for problem in refused_changes(OLD, new)] == ["quorate:network.zones"]


def test_the_api_of_a_cluster_known_by_its_address_stays_where_it_is() -> None:
    (problem,) = moves_of_the_api(OLD, replace(OLD, api_endpoint=replace(OLD.api_endpoint, public=False)))
    assert problem.key_path == "quorate:apiEndpoint.public"
    assert "`pulumi up` with true first" in problem.remedy
    assert list(moves_of_the_api(OLD, parse(changed(LARGE, etcd__volumeGib=200)))) == []


def test_several_refused_changes_are_reported_together() -> None:
    new = parse(changed(LARGE, network__vpcCidr="10.65.0.0/16", etcd__volumeGib=50))
    assert len(refused_changes(OLD, new)) == 2
