from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from sandbox.tests.toolchain.sdk_shapes import Differences
from sandbox.toolchain.build import binary

# What the SDKs have and the upstream versions that the plugins are built from have not: the plugins refuse these.
NEWER_THAN_THE_PLUGIN = {
    "aws": {
        "aws:autoscaling/group:Group": {"instanceLifecyclePolicy"},
        "aws:ec2/LaunchTemplateNetworkInterface:LaunchTemplateNetworkInterface": {"enaQueueCount"},
        "aws:ec2/RouteTableRoute:RouteTableRoute": {"odbNetworkArn"},
        "aws:ec2/networkInterface:NetworkInterface": {"connectionTrackingSpecification", "enaSrdSpecification"},
        "aws:ec2/route:Route": {"odbNetworkArn"},
        "aws:lb/loadBalancer:LoadBalancer": {"enablePrefixForIpv6SourceNat"},
        "aws:s3/bucket:Bucket": {"bucketNamespace"},
    },
    "tls": {
        "tls:index/CertRequestSubject:CertRequestSubject": {"emailAddress"},
        "tls:index/SelfSignedCertSubject:SelfSignedCertSubject": {"emailAddress"},
        "tls:index/certRequest:CertRequest": {"privateKeyPemWo", "privateKeyPemWoVersion"},
        "tls:index/getCertificateCertificate:getCertificateCertificate": {"maxPathLength"},
        "tls:index/locallySignedCert:LocallySignedCert": {
            "caPrivateKeyPemWo",
            "caPrivateKeyPemWoVersion",
            "maxPathLength",
        },
        "tls:index/selfSignedCert:SelfSignedCert": {"maxPathLength", "privateKeyPemWo", "privateKeyPemWoVersion"},
    },
}
OF_THE_BRIDGE = "pulumi:providers:"


@pytest.fixture
def schema(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    """The schema of the built plugin that the test is about."""
    built = binary(request.param, f"pulumi-resource-{request.param}")
    if not built.exists():
        pytest.fail(f"{built.name} is not built: run `python -m sandbox.toolchain` first")
    plugin = tmp_path / built.name
    shutil.copy(built, plugin)
    subprocess.run([plugin, "-schema"], check=True, capture_output=True, timeout=60)
    read: dict[str, Any] = json.loads((tmp_path / "schema.json").read_text())
    return read


@pytest.mark.engine
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(("schema", "package"), [("aws", "pulumi_aws"), ("tls", "pulumi_tls")], indirect=["schema"])
def test_each_type_has_the_properties_of_the_installed_sdk(schema: dict[str, Any], package: str) -> None:
    differences = Differences(schema, package)
    for token in schema["resources"]:
        differences.resource(token)
    for token in schema["functions"]:
        if not token.startswith(OF_THE_BRIDGE):
            differences.function(token)
    missing = {
        f"{where} {side} {name}: the plugin has no such property"
        for where, names in NEWER_THAN_THE_PLUGIN[package.removeprefix("pulumi_")].items()
        for name in names
        for side in ("input", "output")
    }
    assert sorted(set(differences.found) - missing) == []
    assert differences.compared > (2500 if package == "pulumi_aws" else 100)


@pytest.mark.engine
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("schema", ["aws"], indirect=True)
def test_a_difference_in_name_or_shape_is_found(schema: dict[str, Any]) -> None:
    properties = schema["resources"]["aws:route53/record:Record"]["inputProperties"]
    properties["alias"] = properties.pop("aliases")
    properties["ttl"] = {"type": "string"}
    differences = Differences(schema, "pulumi_aws")
    differences.resource("aws:route53/record:Record")
    assert differences.found == [
        "aws:route53/record:Record input alias: the SDK has no such property",
        "aws:route53/record:Record input aliases: the plugin has no such property",
        "aws:route53/record:Record input ttl: the plugin has string, the SDK integer",
    ]
