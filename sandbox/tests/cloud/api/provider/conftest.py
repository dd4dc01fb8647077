"""Projects whose AWS provider reaches the account that is served in this process."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from sandbox.cloud.api.operator import OPERATOR_ACCESS_KEY, OPERATOR_SECRET_KEY
from sandbox.cloud.api.proxy import EndpointProxy
from sandbox.engine.install import prepare
from sandbox.tests.cloud.api.account import Account
from tests.pulumi_project import Project


@pytest.fixture
def proxy(account: Account) -> Iterator[EndpointProxy]:
    listener = socket.create_server(("127.0.0.1", 0))
    proxy = EndpointProxy(listener, account.api.authority, ("127.0.0.1", account.api.port), lambda line: None)
    proxy.start()
    yield proxy
    proxy.stop()


@pytest.fixture
def project(account: Account, proxy: EndpointProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project whose provider reaches the account by AWS's real names."""
    monkeypatch.setenv("QUORATE_STATE", str(tmp_path / "engine"))
    folder = tmp_path / "project"
    folder.mkdir()
    environment = {
        **os.environ,
        **prepare(lambda line: None),
        "HTTPS_PROXY": f"http://127.0.0.1:{proxy.port}",
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
        "AWS_CA_BUNDLE": str(account.api.authority.certificate_path),
        "AWS_ACCESS_KEY_ID": OPERATOR_ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": OPERATOR_SECRET_KEY,
        "VARIANT": "0",
    }
    runtime = {"name": "python", "options": {"virtualenv": sys.prefix}}
    (folder / "Pulumi.yaml").write_text(json.dumps({"name": "probe", "runtime": runtime}))
    config = {"aws:region": account.api.region, "aws:defaultTags": {"tags": {"project": "quorate"}}}
    (folder / "Pulumi.test.yaml").write_text(json.dumps({"config": config}))
    made = Project(folder, environment)
    made.run("stack", "init", "test")
    return made


@pytest.fixture
def new_project(project: Project) -> Callable[[str], Project]:
    """Makes the project of a program that stands in this folder; it reads VARIANT, 0 at first."""

    def make(program: str) -> Project:
        key = ed25519.Ed25519PrivateKey.generate().public_key()
        openssh = key.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
        (project.folder / "operator.pub").write_bytes(openssh)
        shutil.copy(Path(__file__).with_name(program), project.folder / "__main__.py")
        return project

    return make
