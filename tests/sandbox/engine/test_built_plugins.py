from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.sandbox.engine.conftest import Project

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
