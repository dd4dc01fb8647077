"""What rules leave alone: values that look odd and work, and what a cluster that is there may have already."""

from __future__ import annotations

import json
from typing import Any, Final

import pulumi
import pytest
from botocore.loaders import Loader
from pulumi.runtime.config import set_all_config

from components.network_plugins.network_plugin import network_plugin
from components.node.worker.join import ZONE_MARK
from components.plan import Plan
from components.settings.formats import ZONE_OF_THE_MACHINE
from components.settings.load import load, settings_of
from components.settings.problems import InvalidSettings, Problem
from components.settings.regions import REGIONS, refuse_region
from components.settings.rules.api_server_flags import ADMISSION_PLUGINS, FLAGS, GATES, LOCKED_OFF, LOCKED_ON, Kind
from components.settings.rules.arguments import doubtful_arguments, refused_arguments
from components.settings.rules.endpoints import FETCHED_HOSTS
from components.settings.validate import parse, read
from pricing.tables import priced_regions
from tests.components.settings.stack_files import CHECKOUT, SMALL, changed, committed
from tests.components.stacks import STACKS
from tests.components.stacks import settings_of as shipped

GOOD_ARGUMENTS: Final = (
    {"audit-log-maxage": "0"},
    {"audit-log-path": "-"},
    {"audit-log-path": "/var/log/kubernetes/audit/other.log"},
    {"audit-policy-file": "/etc/quorate/api-server/mine.yaml"},
    {"cors-allowed-origins": "^https://example\\.org$"},
    {"default-not-ready-toleration-seconds": "30"},
    {"emulated-version": "1.35", "emulation-forward-compatible": "true"},
    {"enable-admission-plugins": "NodeRestriction,AlwaysPullImages,EventRateLimit"},
    {"endpoint-reconciler-type": "lease"},
    {"event-ttl": "1h30m"},
    {"event-ttl": "0"},
    {"external-hostname": "api.example.org"},
    {"feature-gates": "AllAlpha=false,SidecarContainers=true,kube:MemoryQoS=true"},
    {"goaway-chance": "0.02"},
    {"log-json-split-stream": "true", "feature-gates": "LoggingAlphaOptions=true"},
    {"max-requests-inflight": "0"},
    {
        "oidc-issuer-url": "https://example.org/realm",
        "oidc-client-id": "kubernetes",
        "oidc-username-prefix": "-",
        "oidc-ca-file": "/etc/quorate/api-server/oidc.pem",
        "oidc-required-claim": "team=platform",
        "oidc-signing-algs": "RS256,ES256",
    },
    {"oidc-issuer-url": "https://a", "oidc-client-id": "b", "oidc-ca-file": "/etc/ssl/certs/ca-certificates.crt"},
    {"profiling": "True"},
    {"request-timeout": "1m30s"},
    {"runtime-config": "api/alpha=true,batch/v1beta1=false,v1=true"},
    {"shutdown-delay-duration": "20s"},
    {"strict-transport-security-directives": "max-age=31536000,includeSubDomains"},
    {"tls-cipher-suites": "TLS_AES_128_GCM_SHA256,TLS_AES_256_GCM_SHA384"},
    {"tls-min-version": "VersionTLS13"},
    {"v": "4", "vmodule": "httplog=5"},
    {"watch-cache-sizes": "pods#1000,deployments.apps#100"},
)


@pytest.mark.parametrize("arguments", GOOD_ARGUMENTS, ids=[next(iter(each)) for each in GOOD_ARGUMENTS])
def test_arguments_that_an_api_server_starts_and_serves_with_are_accepted(arguments: dict[str, str]) -> None:
    assert parse(changed(SMALL, controlPlane__apiServerArguments=arguments))


@pytest.mark.parametrize(
    ("name", "value", "remedy"),
    [
        ("shutdown-delay-duration", "0s", "Leave it out"),
        ("shutdown-delay-duration", "20s", "Leave it out"),
        ("shutdown-watch-termination-grace-period", "5s", "Leave it out"),
        ("tls-min-version", "VersionTLS13", "Choose VersionTLS12"),
        ("tls-cipher-suites", "TLS_AES_128_GCM_SHA256,TLS_AES_256_GCM_SHA384", "Add TLS_ECDHE_RSA_WITH_AES_128_GCM"),
    ],
)
def test_an_argument_that_makes_a_load_balancer_blind_is_refused_behind_one_only(
    name: str, value: str, remedy: str
) -> None:
    def told(**changes: object) -> list[str]:
        arguments = {"controlPlane__apiServerArguments": {name: value}, **changes}
        return [str(problem) for problem in read(changed(SMALL, **arguments), living=False).problems]

    assert told() == []
    (problem,) = told(apiEndpoint={"loadBalancer": True})
    assert problem.startswith(f"quorate:controlPlane.apiServerArguments.{name}: found ")
    assert remedy in problem


def test_a_living_cluster_is_warned_of_an_argument_that_makes_its_load_balancer_blind() -> None:
    groups = changed(
        SMALL,
        apiEndpoint={"loadBalancer": True},
        controlPlane__apiServerArguments={"tls-min-version": "VersionTLS13"},
    )
    reading = read(groups, living=True)
    assert not reading.problems
    assert [problem.key_path for problem in reading.advice] == [
        "quorate:controlPlane.apiServerArguments.tls-min-version"
    ]


def test_suites_of_health_checks_are_accepted_behind_a_load_balancer() -> None:
    suites = "TLS_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256".replace(" ", "")
    assert parse(
        changed(
            SMALL,
            apiEndpoint={"loadBalancer": True},
            controlPlane__apiServerArguments={"tls-cipher-suites": suites, "tls-min-version": "VersionTLS12"},
        )
    )


def test_every_flag_of_the_table_has_one_kind_and_every_lock_a_gate() -> None:
    names = [name for kind in FLAGS.values() for name in kind.split()]
    assert len(names) == len(set(names)) > 170
    assert set(FLAGS) == set(Kind)
    assert {*LOCKED_ON.split(), *LOCKED_OFF.split()} <= set(GATES.split())
    assert {"NodeRestriction", "AlwaysDeny"} <= set(ADMISSION_PLUGINS.split())


@pytest.mark.parametrize("minor", [35, 37])
def test_what_another_minor_may_have_is_only_said(minor: int) -> None:
    for arguments in ({"new-argument": "x"}, {"feature-gates": "NewGate=true"}):
        assert list(refused_arguments(arguments, minor)) == []
        assert list(refused_arguments(arguments, 36))
    assert [name for name, _ in doubtful_arguments({"new-argument": "x", "v": "2"}, minor)] == ["new-argument"]
    assert list(doubtful_arguments({"new-argument": "x"}, 36)) == []


GOOD: Final[tuple[dict[str, Any], ...]] = (
    {"cluster__name": "internal-prod"},
    {"cluster__name": "internals", "controlPlane__count": 3},
    {"cluster__domain": "home.arpa"},
    {"cluster__domain": "prod.example.org"},
    {"cluster__name": "x", "cluster__domain": "pkgs.k8s.io"},
    {"access__sshCidrs": ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]},
    {"access__sshCidrs": ["20.0.0.0/8"]},
    {"access__apiCidrs": ["10.20.0.0/16"]},
    {"workers": [{"name": "a", "taints": [{"key": "slow", "effect": "PreferNoSchedule"}]}]},
    {"workers": [{"name": "a", "minimum": 0}]},
    {"workers": [{"name": "a", "labels": {"node.kubernetes.io/pool": "a"}}]},
    {"workers": [{"name": "a", "instanceType": "t3.micro"}]},
    {"workers": [{"name": "a", "maximum": 39}], "network__vpcCidr": "10.20.0.0/22"},
    {"etcd__topology": "external", "etcd__version": "3.7.1", "cluster__kubernetesVersion": "1.37.0"},
    {"kubelet__containerLogMaxSize": "1Mi"},
    {"kubelet__containerLogMaxSize": "1048576"},
    {"tags": {"names": "a", "owner": "b"}},
)


@pytest.mark.parametrize("values", GOOD, ids=[f"{next(iter(each))}-{n}" for n, each in enumerate(GOOD)])
def test_values_that_look_odd_and_work_are_accepted(values: dict[str, Any]) -> None:
    assert parse(changed(SMALL, **values))


LIVING: Final[tuple[tuple[dict[str, Any], str], ...]] = (
    ({"controlPlane__schedulable": False, "workers": [{"name": "a", "minimum": 0}]}, "workers[0].minimum"),
    ({"cluster__domain": "lan"}, "cluster.domain"),
    ({"cluster__domain": "office.local"}, "cluster.domain"),
    ({"etcd__topology": "external", "etcd__version": "3.7.1"}, "etcd.version"),
    ({"etcd__topology": "external", "etcd__instanceType": "t3.nano"}, "etcd.instanceType"),
    ({"access__sshCidrs": ["20.0.0.0/8", "30.0.0.0/8"]}, "access.sshCidrs"),
    # Earlier releases took every 3.32.
    ({"networkPlugin__name": "calico", "networkPlugin__version": "3.32.2"}, "networkPlugin.version"),
)


@pytest.mark.parametrize(("values", "path"), LIVING, ids=[path for _, path in LIVING])
def test_what_a_living_cluster_may_run_with_is_said_and_not_refused(values: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidSettings):
        parse(changed(SMALL, **values))
    assert path in [found.removeprefix("quorate:") for found in paths(read(changed(SMALL, **values), True).advice)]


def paths(problems: tuple[Problem, ...]) -> list[str]:
    return [problem.key_path for problem in problems]


def advice(**values: Any) -> tuple[Problem, ...]:
    return read(changed(SMALL, **values), living=False).advice


def test_a_cluster_that_nothing_reaches_from_outside_is_warned_about_with_its_range() -> None:
    (said,) = advice(network__nat="perZone", network__zones=3, network__vpcCidr="10.30.0.0/16")
    assert said.key_path == "quorate:access.bastion"
    assert "10.30.0.0/16" in said.remedy
    assert advice() == ()
    assert advice(network__nat="single", apiEndpoint__public=True) == ()


def test_an_audit_log_that_is_lost_with_its_container_is_warned_about() -> None:
    (said,) = advice(controlPlane__apiServerArguments={"audit-log-path": "/tmp/audit.log"})
    assert "lost with its container" in said.remedy


def test_watches_that_end_later_than_the_pod_are_warned_about() -> None:
    (said,) = advice(controlPlane__apiServerArguments={"shutdown-watch-termination-grace-period": "1m"})
    assert "kills" in said.remedy


@pytest.mark.parametrize("stack", STACKS)
def test_nothing_is_said_of_the_shipped_stacks(stack: str) -> None:
    groups = {key.removeprefix("quorate:"): value for key, value in committed(stack).items() if key[:4] == "quor"}
    assert read(groups, living=False).advice == ()


def test_advice_is_logged_and_the_settings_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    warnings: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", warnings.append)
    groups = changed(SMALL, network__nat="single")
    config = {f"quorate:{key}": json.dumps(value) for key, value in groups.items()}
    assert settings_of({**config, "aws:region": "eu-central-1"}, "s", None).cluster.name == "small"
    (warning,) = warnings
    assert "run pulumi inside the VPC (10.20.0.0/16)" in warning


@pytest.mark.parametrize(("preview", "stack", "said"), [(True, "prod", 1), (False, "prod", 0), (True, "dev", 0)])
def test_a_preview_of_a_highly_available_stack_says_once_that_it_runs_no_policies(
    monkeypatch: pytest.MonkeyPatch, preview: bool, stack: str, said: int
) -> None:
    messages: list[str] = []
    monkeypatch.setattr(pulumi.log, "info", messages.append)
    monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda: preview)
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in committed(stack).items()}
    set_all_config(texts, [])
    try:
        assert load(None).cluster.name == stack
    finally:
        set_all_config({}, [])
    assert [message for message in messages if "--policy-pack policies" in message] == messages
    assert len(messages) == said


@pytest.mark.parametrize(
    ("region", "remedy"),
    [
        ("us-esat-1", "Did you mean us-east-1?"),
        ("eu-centrl-1", "Did you mean eu-central-1?"),
        ("eu-west-9", "there is none of this name"),
        ("cn-north-1", "not supported"),
        ("us-gov-west-1", "not supported"),
        ("eusc-de-east-1", "not supported"),
        ("us-iso-east-1", "not supported"),
    ],
)
def test_a_region_that_the_program_cannot_work_in_is_refused(region: str, remedy: str) -> None:
    assert remedy in str(refuse_region(region))


def test_the_regions_are_those_that_the_sdk_knows_of_aws_itself() -> None:
    partitions = Loader().load_data("partitions")["partitions"]
    (aws,) = (partition for partition in partitions if partition["id"] == "aws")
    assert set(REGIONS.split()) == set(aws["regions"]) - {"aws-global"}
    assert set(priced_regions()) <= set(REGIONS.split())


def test_a_workers_zone_has_one_mark() -> None:
    assert ZONE_MARK == ZONE_OF_THE_MACHINE


def test_the_hosts_that_images_come_from_are_known_as_such() -> None:
    for stack in STACKS:
        for image in network_plugin(Plan(shipped(stack))).images:
            assert image.split("/")[0] in FETCHED_HOSTS
    for script in (CHECKOUT / "components/node/boot").glob("*.sh"):
        for word in script.read_text().split("https://")[1:]:
            assert word.split("/")[0] in FETCHED_HOSTS, script.name
