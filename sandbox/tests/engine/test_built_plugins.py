"""Plugins that are built from upstream's providers, behind Pulumi's bridge, as the real engine uses them."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandbox.tests.engine.processes import plugin_of

if TYPE_CHECKING:
    from tests.pulumi_project import Project

pytestmark = pytest.mark.engine

AUTHORITY = """
    import pulumi, pulumi_tls as tls
    key = tls.PrivateKey("key", algorithm="ECDSA", ecdsa_curve="P256")
    subject = tls.SelfSignedCertSubjectArgs(common_name="ca"{subject})
    made = tls.SelfSignedCert(
        "ca", private_key_pem=key.private_key_pem, subject=subject, is_ca_certificate=True,
        allowed_uses=["cert_signing"], validity_period_hours=24{arguments})
    pulumi.export("pem", made.cert_pem)
"""
COMPUTED = """
    made.cert_pem.apply(lambda pem: open("computed", "w").write(pem))
"""


@pytest.mark.parametrize(
    ("subject", "arguments", "named"),
    [("", ", max_path_length=1", "maxPathLength"), (', email_address="a@b"', "", "subject.emailAddress")],
)
def test_an_argument_that_a_built_plugin_lacks_is_refused_by_name(
    project: Project, subject: str, arguments: str, named: str
) -> None:
    project.write(AUTHORITY.format(subject=subject, arguments=arguments))
    printed = project.run("preview", ok=False)
    assert (
        f"tls:index/selfSignedCert:SelfSignedCert: the upstream provider that this plugin is built from has no {named}"
        in printed
    )


def test_what_the_plugin_has_is_taken(project: Project) -> None:
    project.up(AUTHORITY.format(subject=', organization="o"', arguments=""))
    assert project.output("pem").startswith("-----BEGIN CERTIFICATE-----")


def test_what_depends_on_a_key_is_unknown_until_the_key_is_made(project: Project) -> None:
    project.write(AUTHORITY.format(subject="", arguments="") + COMPUTED)
    assert project.preview() == {"probe-test": "create", "key": "create", "ca": "create"}
    assert not (project.folder / "computed").exists()
    project.up()
    assert (project.folder / "computed").read_text().startswith("-----BEGIN CERTIFICATE-----")


def test_a_private_key_is_encrypted_in_the_state_and_what_is_public_is_not(project: Project) -> None:
    project.up(AUTHORITY.format(subject="", arguments=""))
    state = project.run("stack", "export")
    assert "PRIVATE KEY" not in state
    assert "BEGIN PUBLIC KEY" in state
    assert "BEGIN CERTIFICATE" in state


def test_another_curve_replaces_the_key_and_what_was_made_with_it(project: Project) -> None:
    project.up(AUTHORITY.format(subject="", arguments=""))
    before = project.output("pem")
    project.write(AUTHORITY.format(subject="", arguments="").replace("P256", "P384"))
    steps = json.loads(project.run("preview", "--json"))["steps"]
    replaced = {step["urn"].rsplit("::", 1)[1]: step for step in steps if step["op"] == "replace"}
    assert replaced["key"]["replaceReasons"] == ["ecdsaCurve"]
    assert set(replaced) == {"key", "ca"}
    project.up()
    assert project.output("pem") != before


def test_a_refresh_of_what_is_in_the_state_alone_finds_no_drift(project: Project) -> None:
    project.up(AUTHORITY.format(subject="", arguments=""))
    project.run("refresh", "--yes", "--skip-preview", "--expect-no-changes")
    assert set(project.preview().values()) == {"same"}


def test_what_cannot_be_imported_is_refused(project: Project) -> None:
    project.write("")
    arguments = ("tls:index/privateKey:PrivateKey", "key", "an-id", "--yes", "--generate-code=false")
    printed = project.run("import", *arguments, ok=False)
    assert "This resource does not support import" in printed
    assert "key" not in project.resources(), printed


def test_many_keys_are_made_at_once(project: Project) -> None:
    project.up("""
        import pulumi, pulumi_tls as tls
        keys = [tls.PrivateKey(f"key-{number}", algorithm="ED25519") for number in range(40)]
        together = pulumi.Output.all(*[key.public_key_pem for key in keys])
        pulumi.export("different", together.apply(lambda pems: len(set(pems))))
    """)
    assert project.output("different") == 40


def test_after_the_plugin_was_killed_in_the_middle_the_next_up_finishes(project: Project) -> None:
    program = """
        import pulumi, pulumi_tls as tls
        from pulumi_command import local
        first = tls.PrivateKey("first", algorithm="ED25519")
        wait = local.Command("wait", create={wait!r}, opts=pulumi.ResourceOptions(depends_on=[first]))
        tls.PrivateKey("second", algorithm="ED25519", opts=pulumi.ResourceOptions(depends_on=[wait]))
    """
    project.write(program.format(wait="touch here; until test -e on; do sleep 0.1; done"))
    running = project.start("up", "--yes", "--skip-preview")
    try:
        wait_for_file(project.folder / "here")
        os.kill(plugin_of(running.pid, "pulumi-resource-tls"), signal.SIGKILL)
    finally:
        (project.folder / "on").touch()
        printed, _ = running.communicate(timeout=60)
    assert running.returncode != 0, printed
    assert set(project.resources()) >= {"first"}
    project.up(program.format(wait="true"))
    assert set(project.resources()) >= {"first", "wait", "second"}


def wait_for_file(file: Path, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not file.exists():
        assert time.monotonic() < deadline, f"{file} was not written within {seconds} s"
        time.sleep(0.05)
