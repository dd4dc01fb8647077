"""EC2's limit of user data is known before anything is made, and the setting that takes the room is named."""

from __future__ import annotations

import dataclasses
import datetime
import json
from functools import cache
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from components.delivery.cloud_config import LIMIT_BYTES, cloud_config, packed, unpacked
from components.delivery.etcd_files import etcd_member_files
from components.delivery.node_files import boot_files, boot_units
from components.delivery.user_data_limit import control_plane_bytes, exceeded_user_data, worker_bytes
from components.plan import Plan
from components.settings.model import Settings
from components.settings.problems import Problem
from components.settings.validate import parse
from tests.components.long_settings import long_labels, long_taints, with_long_arguments
from tests.components.settings.stack_files import SMALL, changed
from tests.components.stacks import INSTANCE, STACKS, TEMPLATE, recorded, settings_of

TWO_POOLS = {"network": {"zones": 1}, **SMALL, "workers": [{"name": "sound"}, {"name": "full"}]}


def problems(groups: dict[str, Any]) -> list[Problem]:
    return list(exceeded_user_data(parse(groups)))


def with_labels() -> dict[str, Any]:
    return changed(TWO_POOLS, workers__1__labels=long_labels())


def with_taints() -> dict[str, Any]:
    return changed(TWO_POOLS, workers__1__taints=long_taints())


@cache
def authority() -> str:
    """The certificate of an authority as Pki has it made: P-256, with the longest of its names."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "front-proxy-ca")])
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    usage = dict.fromkeys(
        ("key_agreement", "content_commitment", "data_encipherment", "crl_sign", "encipher_only", "decipher_only"),
        False,
    )
    start = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    built = (
        x509.CertificateBuilder(name, name, key.public_key(), 2**127, start, start + datetime.timedelta(days=3650))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(key_cert_sign=True, digital_signature=True, key_encipherment=True, **usage), critical=True
        )
        .add_extension(identifier, critical=False)
    )
    return built.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def real_bytes(user_data: str) -> int:
    """The size of recorded user data, with a real certificate where the recording has a short stand-in."""
    head, body = unpacked(user_data).split("\n", 1)
    document = json.loads(body)
    for file in document["write_files"]:
        if file["path"].endswith("/ca.crt"):
            file["content"] = authority()
    return len(packed(f"{head}\n" + json.dumps(document, ensure_ascii=False)))


def etcd_member_bytes(settings: Settings) -> int:
    plan = Plan(settings)
    files = etcd_member_files(plan, plan.etcd_machines[-1], "vol-0b7d19e6a3f58c42d")
    return len(packed(cloud_config(plan.etcd_machines[-1].name, "/p", boot_files(files), boot_units(files))))


@pytest.mark.parametrize(
    ("groups", "key_path"),
    [
        (with_labels(), "quorate:workers[1].labels"),
        (with_taints(), "quorate:workers[1].taints"),
        (with_long_arguments(SMALL), "quorate:controlPlane.apiServerArguments"),
    ],
)
def test_the_setting_that_takes_the_room_is_named_with_its_bytes_and_the_limit(
    groups: dict[str, Any], key_path: str
) -> None:
    (found,) = problems(groups)
    taken, whole = (int(word.replace(",", "")) for word in found.found.split() if word[0].isdigit())
    assert found.key_path == key_path
    assert whole > LIMIT_BYTES >= whole - taken
    assert "16,384" in found.remedy


def test_of_labels_and_taints_the_longer_is_named() -> None:
    taints = long_taints()
    few_taints = changed(with_labels(), workers__1__taints=taints[:10])
    few_labels = changed(with_taints(), workers__1__labels=dict(list(long_labels().items())[:10]))
    assert [found.key_path for found in problems(few_taints)] == ["quorate:workers[1].labels"]
    assert [found.key_path for found in problems(few_labels)] == ["quorate:workers[1].taints"]


def test_all_machines_that_exceed_it_are_reported_at_once() -> None:
    found = problems(with_long_arguments(with_labels()))
    assert [each.key_path for each in found] == [
        "quorate:controlPlane.apiServerArguments",
        "quorate:workers[1].labels",
    ]


@pytest.mark.parametrize("stack", STACKS)
def test_the_shipped_stacks_are_within_it(stack: str) -> None:
    assert list(exceeded_user_data(settings_of(stack))) == []


@pytest.mark.parametrize("stack", STACKS)
def test_machines_never_get_more_than_was_foreseen_and_hardly_less(stack: str) -> None:
    settings, recording = settings_of(stack), recorded(stack)
    foreseen = {
        f"{settings.cluster.name}-pool-{pool.name}-template": worker_bytes(settings, pool) for pool in settings.workers
    }
    real = {each.name: real_bytes(each.inputs["userData"]) for each in recording.of_type(TEMPLATE)}
    for machine in Plan(settings).control_planes:
        name = f"{settings.cluster.name}-{machine.name}-instance"
        foreseen[name] = control_plane_bytes(settings)
        real[name] = real_bytes(recording.named(INSTANCE, name).inputs["userDataBase64"])
    assert foreseen.keys() == real.keys()
    assert {name: size - real[name] for name, size in foreseen.items() if not 0 <= size - real[name] < 300} == {}


def test_etcd_members_have_no_setting_that_could_exceed_it() -> None:
    prod = settings_of("prod")
    longest = dataclasses.replace(
        prod,
        cluster=dataclasses.replace(prod.cluster, name="q7x2k9w4v8z3b6n1m5p0"),
        etcd=dataclasses.replace(prod.etcd, members=5, version="3.999.999", sha256="0123456789abcdef" * 4),
    )
    assert etcd_member_bytes(longest) < LIMIT_BYTES - 3 * 1024
