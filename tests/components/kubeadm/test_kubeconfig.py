"""The operator's kubeconfig."""

from __future__ import annotations

import base64

import yaml

from components.kubeadm.kubeconfig import operator_kubeconfig
from components.plan import Plan
from tests.components.education import SETTINGS


def test_the_api_is_dialled_by_address_and_checked_by_name() -> None:
    config = yaml.safe_load(operator_kubeconfig(Plan(SETTINGS), "198.51.100.7", "CA", "CERT", "KEY"))
    cluster = config["clusters"][0]["cluster"]
    assert cluster["server"] == "https://198.51.100.7:6443"
    assert cluster["tls-server-name"] == "api.education.quorate.internal"
    assert base64.b64decode(cluster["certificate-authority-data"]) == b"CA"
    assert "insecure-skip-tls-verify" not in cluster


def test_it_is_usable_as_it_is() -> None:
    config = yaml.safe_load(operator_kubeconfig(Plan(SETTINGS), "198.51.100.7", "CA", "CERT", "KEY"))
    context = {entry["name"]: entry["context"] for entry in config["contexts"]}[config["current-context"]]
    user = {entry["name"]: entry["user"] for entry in config["users"]}[context["user"]]
    assert base64.b64decode(user["client-certificate-data"]) == b"CERT"
    assert base64.b64decode(user["client-key-data"]) == b"KEY"
    assert context["cluster"] == config["clusters"][0]["name"]
