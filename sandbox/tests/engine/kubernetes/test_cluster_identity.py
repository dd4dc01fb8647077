"""Another address of the API must not replace what lives in the cluster: the provider's `cluster_identifier`."""

from __future__ import annotations

import pytest

from sandbox.tests.engine.kubernetes.conftest import Objects
from sandbox.tests.engine.kubernetes.control_plane import ControlPlane

pytestmark = pytest.mark.engine

PROGRAM = """
identified = k8s.Provider("identified", kubeconfig=KUBECONFIG IDENTIFIER)
k8s.core.v1.Namespace("space", metadata={"name": "living"}, opts=pulumi.ResourceOptions(provider=identified))
"""
WITHOUT = PROGRAM.replace("KUBECONFIG", 'os.environ["TEST_KUBECONFIG"]').replace("IDENTIFIER", "")
WITH = PROGRAM.replace("KUBECONFIG", 'os.environ["TEST_KUBECONFIG"]').replace("IDENTIFIER", ', cluster_identifier="c"')
UNKNOWN = """
import pulumi_tls as tls
key = tls.PrivateKey("key", algorithm="ED25519")
""" + PROGRAM.replace("KUBECONFIG", 'key.id.apply(lambda _: os.environ["TEST_KUBECONFIG"])').replace(
    "IDENTIFIER", ', cluster_identifier="c"'
)


@pytest.fixture
def elsewhere(objects: Objects, control_plane: ControlPlane) -> Objects:
    """The same project with the API server's other address."""
    return objects.with_variables(TEST_KUBECONFIG=control_plane.kubeconfig_at(f"localhost:{control_plane.port}"))


def of_interest(steps: dict[str, str]) -> dict[str, str]:
    return {name: steps[name] for name in ("identified", "space")}


def assert_nothing_is_replaced(steps: dict[str, str]) -> None:
    """Whether the object itself is updated depends on what the preview knows of its provider."""
    assert of_interest(steps)["identified"] == "update"
    assert of_interest(steps)["space"] in ("same", "update")


def test_without_an_identifier_another_address_replaces_what_lives_there(objects: Objects, elsewhere: Objects) -> None:
    objects.up(WITHOUT)
    assert of_interest(elsewhere.preview()) == {"identified": "replace", "space": "replace"}


def test_an_identifier_comes_to_a_living_cluster_without_replacing_anything(
    objects: Objects, elsewhere: Objects, control_plane: ControlPlane
) -> None:
    objects.up(WITHOUT)
    uid = control_plane.get("namespace", "living")["metadata"]["uid"]
    assert_nothing_is_replaced(objects.preview(WITH))
    objects.up()
    assert_nothing_is_replaced(elsewhere.preview())
    elsewhere.up()
    assert control_plane.get("namespace", "living")["metadata"]["uid"] == uid
    elsewhere.run("up", "--yes", "--expect-no-changes")


def test_an_identifier_that_comes_together_with_another_address_is_too_late(
    objects: Objects, elsewhere: Objects
) -> None:
    objects.up(WITHOUT)
    assert of_interest(elsewhere.preview(WITH)) == {"identified": "replace", "space": "replace"}


def test_a_kubeconfig_that_is_not_known_yet_replaces_nothing(objects: Objects) -> None:
    objects.up(WITH)
    assert_nothing_is_replaced(objects.preview(UNKNOWN))
