"""The provider resource: kubeconfig, proxies, settings and what a change of them means."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox.engine.kubernetes.configuration import as_variables, changed, failures
from sandbox.engine.kubernetes.kubeconfig import KubeconfigError, load, resolve
from sandbox.engine.kubernetes.proxy import proxy_for
from sandbox.engine.kubernetes.schema import schema
from sandbox.engine.kubernetes.settings import SettingsError, read
from sandbox.engine.plugin.properties import UNKNOWN, Secret, Value


def config(**user: Any) -> dict[str, Any]:
    return {
        "current-context": "one",
        "clusters": [
            {"name": "c1", "cluster": {"server": "https://198.51.100.7:6443", "tls-server-name": "api.internal"}},
            {"name": "c2", "cluster": {"server": "https://198.51.100.8:6443"}},
        ],
        "users": [{"name": "u", "user": user or {"token": "t"}}],
        "contexts": [
            {"name": "one", "context": {"cluster": "c1", "user": "u", "namespace": "space"}},
            {"name": "two", "context": {"cluster": "c2", "user": "u"}},
        ],
    }


def test_the_current_context_says_where_and_as_whom() -> None:
    found = resolve(load(yaml.safe_dump(config())))
    assert (found.server, found.tls_server_name, found.namespace) == (
        "https://198.51.100.7:6443",
        "api.internal",
        "space",
    )
    assert found.token == "t"


def test_overrides_choose_context_cluster_and_namespace() -> None:
    document = load(json.dumps(config()))
    assert resolve(document, context="two").server.endswith("8:6443")
    assert resolve(document, context="two").namespace == "default"
    assert resolve(document, cluster="c2", namespace="n").server.endswith("8:6443")
    assert resolve(document, namespace="n").namespace == "n"


def test_files_are_found_beside_the_kubeconfig(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_bytes(b"cert")
    path = tmp_path / "config"
    key = base64.b64encode(b"key").decode()
    path.write_text(yaml.safe_dump(config(**{"client-certificate": "cert.pem", "client-key-data": key})))
    found = resolve(load(str(path)))
    assert (found.certificate, found.key) == (b"cert", b"key")


def test_a_connection_does_not_show_its_secrets() -> None:
    key = base64.b64encode(b"private").decode()
    found = resolve(load(json.dumps(config(**{"client-key-data": key, "token": "hidden", "password": "hushed"}))))
    assert not any(word in repr(found) for word in ("private", "hidden", "hushed"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not valid YAML|neither a file nor valid YAML"),
        ("just text", "neither a file nor a YAML mapping"),
        (json.dumps({**config(), "current-context": "none"}), "'none' is not in the kubeconfig; it has: one, two"),
        (json.dumps(config(exec={"command": "aws"})), "'u' of the kubeconfig uses exec"),
        (json.dumps(config(**{"client-key-data": "*"})), "client-key-data of the kubeconfig is not base64"),
        (json.dumps(config(**{"client-key": "/nowhere/key"})), "/nowhere/key"),
        (json.dumps({**config(), "clusters": []}), "cluster 'c1' of context 'one' is missing"),
    ],
)
def test_a_kubeconfig_that_cannot_be_used_is_refused_with_the_reason(text: str, said: str) -> None:
    with pytest.raises(KubeconfigError, match=said):
        resolve(load(text))


def test_the_text_of_a_broken_kubeconfig_is_not_repeated() -> None:
    with pytest.raises(KubeconfigError) as refusal:
        load("users:\n  token: hidden\n x: [")
    assert "hidden" not in str(refusal.value)


PROXY = {
    "HTTPS_PROXY": "http://127.0.0.1:3128",
    "NO_PROXY": "198.51.100.0/24,10.0.0.0/8,.internal,example.com,1.2.3.4:99",
}


@pytest.mark.parametrize(
    ("url", "proxied"),
    [
        ("https://198.51.100.7:6443", False), ("https://10.9.8.7", False), ("https://192.0.2.1", True),
        ("https://127.0.0.1:6443", False), ("https://localhost:1", False), ("https://[::1]:1", False),
        ("https://api.internal", False), ("https://internal", True), ("https://example.com", False),
        ("https://a.example.com", False), ("https://anexample.com", True), ("https://1.2.3.4:99", False),
        ("https://1.2.3.4:100", True), ("http://192.0.2.1", False),
    ],
)  # fmt: skip
def test_hosts_of_no_proxy_are_dialled_directly(url: str, proxied: bool) -> None:
    assert proxy_for(url, PROXY) == (PROXY["HTTPS_PROXY"] if proxied else "")


def test_a_star_switches_the_proxy_off() -> None:
    assert proxy_for("https://192.0.2.1", {**PROXY, "NO_PROXY": "*"}) == ""


def test_settings_come_from_arguments_before_the_environment() -> None:
    found = read(
        {"kubernetes:config:deleteUnreachable": "true", "kubernetes:config:kubeClientSettings": '{"timeout": 7}'},
        {
            "PULUMI_K8S_SKIP_UPDATE_UNREACHABLE": "true",
            "PULUMI_K8S_DELETE_UNREACHABLE": "false",
            "PULUMI_K8S_CLIENT_QPS": "9",
        },
    )
    assert (found.delete_unreachable, found.skip_update_unreachable, found.upsert) == (True, True, False)
    assert (found.timeout, found.qps, found.burst) == (7.0, 9.0, 120)


def test_every_argument_that_cannot_be_honoured_is_named() -> None:
    with pytest.raises(SettingsError) as refusal:
        read(
            {
                "kubernetes:config:renderYamlToDirectory": "x", "kubernetes:config:enableServerSideApply": "false",
                "kubernetes:config:nonsense": "1", "kubernetes:config:kubeClientSettings": '{"rate": 1}',
            },
            {},
        )  # fmt: skip
    for name in ("renderYamlToDirectory", "enableServerSideApply", "nonsense", "kubeClientSettings"):
        assert name in str(refusal.value)


def test_check_config_names_the_property() -> None:
    assert [name for name, _ in failures({"renderYamlToDirectory": Secret("x"), "kubeconfig": UNKNOWN})] == [
        "renderYamlToDirectory"
    ]


def test_new_credentials_update_the_provider_and_another_cluster_replaces_everything() -> None:
    before: Value = json.dumps(config(token="a"))
    assert changed({"kubeconfig": before}, {"kubeconfig": before}) == ([], [])
    assert changed({"kubeconfig": before}, {"kubeconfig": Secret(json.dumps(config(token="b")))}) == (
        ["kubeconfig"],
        [],
    )
    assert changed({"kubeconfig": before}, {"kubeconfig": before, "context": "two"}) == (["context"], ["context"])
    assert changed({"kubeconfig": before}, {"kubeconfig": UNKNOWN}) == (["kubeconfig"], ["kubeconfig"])


def test_a_cluster_identifier_decides_alone() -> None:
    one = {"kubeconfig": json.dumps(config()), "clusterIdentifier": "a"}
    assert changed(one, {**one, "context": "two"}) == (["context"], [])
    assert changed(one, {**one, "clusterIdentifier": "b"}) == (["clusterIdentifier"], ["clusterIdentifier"])
    assert changed(one, {**one, "kubeconfig": UNKNOWN}) == (["kubeconfig"], [])


def test_arguments_become_variables() -> None:
    assert as_variables({"context": "c", "deleteUnreachable": True, "kubeconfig": Secret("k"), "cluster": UNKNOWN}) == {
        "kubernetes:config:context": "c",
        "kubernetes:config:deleteUnreachable": "true",
        "kubernetes:config:kubeconfig": "k",
    }


def test_the_schema_lists_only_arguments_that_are_honoured() -> None:
    inputs = json.loads(schema("1"))["provider"]["inputProperties"]
    assert not failures(dict.fromkeys(inputs, "true"))
    assert "renderYamlToDirectory" not in inputs


def test_every_argument_of_the_sdk_is_honoured_or_refused_by_name() -> None:
    from pulumi_kubernetes import ProviderArgs

    names = {_camel(name) for name in ProviderArgs.__init__.__annotations__ if name != "return"}
    assert len(names) >= 18
    for name in names:
        assert not any("is not an argument" in reason for _, reason in failures({name: "true"})), name


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
