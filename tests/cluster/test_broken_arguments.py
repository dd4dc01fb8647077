"""Arguments that a component of the control plane cannot start with: what ran before runs on, and `up` fixes it."""

from __future__ import annotations

import pytest

from tests.cluster.conftest import UP, Workspace
from tests.cluster.on_machines import on_machine

pytestmark = [pytest.mark.cluster, pytest.mark.drill]

MANIFEST = "/etc/kubernetes/manifests/kube-apiserver.yaml"


def arguments() -> str:
    return on_machine("bash", "-c", "pgrep --full --list-full '^kube-apiserver' || true")


def test_an_api_server_that_cannot_start_with_its_arguments_gets_back_those_that_it_had(education: Workspace) -> None:
    # A regular expression that the settings don't judge.
    education.set("controlPlane", "apiServerArguments", {"cors-allowed-origins": "^($"})
    failed = education.pulumi(*UP, check=False)
    assert failed.returncode != 0
    assert "--cors-allowed-origins has an invalid regular expression" in failed.stdout, "why, in its own words"
    assert "kube-apiserver does not run with its new arguments; those that it had before are back" in failed.stdout
    assert "cors" not in arguments()
    assert "ok" in education.kubectl("get", "--raw", "/readyz")


def test_the_next_update_applies_arguments_that_it_can_start_with(education: Workspace) -> None:
    education.set("controlPlane", "apiServerArguments", {"max-requests-inflight": "350"})
    assert education.changes(*UP)["update"]
    assert "--max-requests-inflight=350" in arguments()
    assert education.changes(*UP) == {}


def test_an_api_server_that_is_down_for_its_arguments_is_fixed_by_an_update(education: Workspace) -> None:
    # As if the update that brought them had been killed before it could put the old ones back.
    on_machine("sed", "--in-place", "s/--max-requests-inflight=350/--max-requests-inflight=many/", MANIFEST)
    education.set("controlPlane", "apiServerArguments", {"max-requests-inflight": "360"})
    assert education.changes(*UP)["update"]
    assert "--max-requests-inflight=360" in arguments()
    assert education.changes(*UP) == {}
