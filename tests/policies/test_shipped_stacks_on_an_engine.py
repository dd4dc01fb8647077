"""The program itself with its own stack files, previewed by the real engine with the pack. AWS is on loopback."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.cloud.api.credentials import OPERATOR_ACCESS_KEY
from sandbox.cloud.api.proxy import EndpointProxy
from sandbox.cloud.api.server import Api
from sandbox.engine.install import prepare
from sandbox.tests.engine.conftest import Project
from tests.components.settings.stack_files import CHECKOUT
from tests.policies.test_pack_on_an_engine import PACK, told
from tests.policies.test_shipped_stacks import AWAITED, STACKS

pytestmark = pytest.mark.engine

BY_HAND = """
import pulumi_aws as aws

aws.vpc.SecurityGroupIngressRule(
    "by-hand", security_group_id="sg-1", ip_protocol="tcp", from_port=22, to_port=22, cidr_ipv4="0.0.0.0/0"
)
"""


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    api = Api(tmp_path / "account")
    api.start()
    yield api
    api.stop()


@pytest.fixture
def proxy(api: Api) -> Iterator[EndpointProxy]:
    listener = socket.create_server(("127.0.0.1", 0))
    proxy = EndpointProxy(listener, api.authority, ("127.0.0.1", api.port), lambda line: None)
    proxy.start()
    yield proxy
    proxy.stop()


@pytest.fixture
def program(api: Api, proxy: EndpointProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A copy of the program: the engine writes into stack files."""
    monkeypatch.setenv("QUORATE_STATE", str(tmp_path / "engine"))
    folder = tmp_path / "program"
    folder.mkdir()
    for name in ("Pulumi.yaml", "__main__.py"):
        shutil.copy(CHECKOUT / name, folder)
    for name in ("components", "stacks"):
        shutil.copytree(CHECKOUT / name, folder / name)
    (folder / ".venv").symlink_to(sys.prefix)
    environment = {
        **os.environ,
        **prepare(lambda line: None),
        "HTTPS_PROXY": f"http://127.0.0.1:{proxy.port}",
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
        "AWS_CA_BUNDLE": str(api.authority.certificate_path),
        "AWS_ACCESS_KEY_ID": OPERATOR_ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": "any",
    }
    return Project(folder, environment)


@pytest.mark.parametrize("stack", STACKS)
def test_the_preview_of_a_shipped_stack_passes(program: Project, stack: str) -> None:
    program.run("stack", "init", stack)
    printed = program.run("preview", "--stack", stack, "--policy-pack", PACK)
    assert {rule for _, rule, _ in told(printed)} <= {"exemptions-in-use", *AWAITED}, printed[-6000:]
    assert " to create" in printed


def test_what_is_added_by_hand_is_refused(program: Project) -> None:
    program.run("stack", "init", "education")
    with (program.folder / "__main__.py").open("a") as file:
        file.write(BY_HAND)
    printed = program.run("preview", "--stack", "education", "--policy-pack", PACK, ok=False)
    assert {(rule, name) for _, rule, name in told(printed)} == {
        ("ssh-is-not-open-to-the-world", "by-hand"),
        ("resources-are-tagged", "by-hand"),
    }
