"""Settings that make sense are accepted, and say what the stack file says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.settings.encode import plain
from components.settings.model import EtcdTopology, NatMode, NetworkPluginName, Settings, Taint, TaintEffect
from components.settings.problems import InvalidSettings, Problem, listing
from components.settings.validate import parse, restore
from tests.components.settings.stack_files import LARGE, SMALL, changed, key_paths


def test_a_small_stack_file_takes_the_defaults() -> None:
    settings = parse(SMALL)
    assert settings.cluster.kubernetes_version.startswith("1.36.")
    assert settings.network.nat is NatMode.NONE
    assert settings.etcd.topology is EtcdTopology.STACKED
    assert settings.workers == ()
    assert settings.tags == {}


def test_a_large_stack_file_is_read_in_every_part() -> None:
    settings = parse(LARGE)
    assert settings.network.vpc_cidr == "10.64.0.0/16"
    assert settings.access.api_cidrs == ("203.0.113.0/24", "198.51.100.0/24")
    assert settings.etcd.members == 5
    assert settings.control_plane.api_server_arguments == {"audit-log-maxage": "30"}
    assert settings.workers[1].taints == (Taint("batch", TaintEffect.NO_SCHEDULE, "only"),)
    assert settings.workers[1].zones == (1, 3)
    assert settings.workers[0].labels == {}
    assert settings.network_plugin.name is NetworkPluginName.CALICO
    assert settings.tags["cost-centre"] == "4711"


def test_a_load_balancer_is_there_exactly_with_several_api_servers_unless_the_stack_says_so() -> None:
    def balanced(**values: Any) -> bool:
        return parse(changed(SMALL, **values)).api_endpoint.load_balancer

    assert not balanced()
    assert balanced(controlPlane__count=3)
    assert balanced(apiEndpoint__loadBalancer=True)
    assert not balanced(apiEndpoint__loadBalancer=False)


GOOD: list[dict[str, Any]] = [
    {"access__apiCidrs": ["0.0.0.0/0"]},
    {"access__sshCidrs": ["10.0.0.0/8"]},
    {"cluster__kubernetesVersion": "1.35.9", "cluster__containerdVersion": "2.1.5"},
    {"cluster__kubernetesVersion": "1.37.1"},
    {"cluster__domain": "internal"},
    {"network__vpcCidr": "192.168.0.0/22"},
    {"network__podCidr": "100.64.0.0/10", "network__serviceCidr": "172.16.0.0/12"},
    {"workers": [{"name": "a", "maximum": 255}]},
    {"workers": [{"name": "a", "maximum": 1023}], "networkPlugin": {"name": "calico", "version": "3.32.1"}},
    {"network__zones": 6},
    {"etcd__members": 1},
    {"etcd__heartbeatIntervalMs": 250, "etcd__electionTimeoutMs": 2500},
    {"controlPlane__count": 5},
    {"controlPlane__instanceType": "t3.small"},
    {"controlPlane__instanceType": "g4dn.xlarge"},
    {"controlPlane__instanceType": "u7i-12tb.224xlarge"},
    {"controlPlane__apiServerArguments": {"enable-admission-plugins": "NodeRestriction,AlwaysPullImages"}},
    {"controlPlane__schedulable": False, "workers": [{"name": "a"}]},
    {"workers": [{"name": "a", "minimum": 0, "maximum": 1}, {"name": "b", "labels": {"a": ""}}]},
    {"etcd__topology": "external"},
    {"apiEndpoint__loadBalancer": True},
    {"network__nat": "single"},
    {"network__nat": "single", "apiEndpoint__public": True},
    {"controlPlane__count": 3, "apiEndpoint__public": True},
    {"addons__storageClassProvisioner": "ebs.csi.aws.com", "addons__storageClassParameters": {"type": "gp3"}},
    {"backups__enabled": True, "backups__keepAllDays": 30, "backups__keepMonthlyMonths": 0},
    # Taken by the release before, which took no snapshots.
    {"backups__retentionDays": 1},
    {"tags": {"team name": "a+b=c@d"}},
]


@pytest.mark.parametrize("values", GOOD, ids=[next(iter(values)) for values in GOOD])
def test_unusual_settings_that_make_sense_are_accepted(values: dict[str, Any]) -> None:
    assert isinstance(parse(changed(SMALL, **values)), Settings)


@pytest.mark.parametrize("stack", [SMALL, LARGE], ids=["small", "large"])
def test_plain_settings_are_json_and_restore_the_same_settings(stack: dict[str, Any]) -> None:
    settings = parse(stack)
    assert restore(json.loads(json.dumps(plain(settings)))) == settings


def test_settings_that_an_earlier_release_took_are_restored_whatever_this_one_thinks_of_them() -> None:
    recorded = plain(parse(LARGE))
    recorded["kubelet"]["containerLogMaxSize"] = "1"
    recorded["cluster"]["containerdVersion"] = "1.7.30"
    recorded["network"]["zones"] = 7
    recorded["tags"]["name"] = "web"
    restored = restore(recorded)
    assert plain(restored) == recorded


def test_a_record_of_the_release_before_snapshots_says_that_there_are_none() -> None:
    recorded = plain(parse(SMALL))
    recorded["backups"] = {"enabled": False, "intervalHours": 6, "retentionDays": 30}
    assert restore(recorded) == parse(SMALL)


def test_plain_settings_of_another_model_are_refused() -> None:
    with pytest.raises(InvalidSettings):
        restore({**plain(parse(SMALL)), "novel": {}})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
WORDS = st.sampled_from(
    [
        "10.0.0.0/8",
        "10.0.0.0/22",
        "0.0.0.0/0",
        "10.244.0.0/16",
        "1.37.0",
        "2.0.0",
        "t3.nano",
        "a.b",
        "external",
        "calico",
    ]
)
NUMBERS = st.integers(-2, 9) | st.sampled_from([100, 5000, 16384, 10**5000])
VALUES = JSON | WORDS | NUMBERS | st.lists(WORDS | NUMBERS, max_size=3)


def problems_of(stack: dict[str, Any]) -> tuple[Problem, ...]:
    """What parse says against a stack file; whatever else it raises goes through."""
    try:
        parse(stack)
    except InvalidSettings as error:
        return error.problems
    return ()


@given(JSON)
def test_no_value_at_all_makes_reading_fail_otherwise_than_by_refusing(raw: Any) -> None:
    with pytest.raises(InvalidSettings) as refusal:
        parse(raw)
    assert refusal.value.problems


@given(st.lists(st.tuples(st.sampled_from(key_paths(LARGE)), VALUES), min_size=1, max_size=6))
def test_a_stack_file_with_wrong_values_in_places_is_read_or_refused(faults: list[tuple[tuple[Any, ...], Any]]) -> None:
    stack: Any = changed(LARGE)
    for path, value in faults:
        place = stack
        try:
            for key in path[:-1]:
                place = place[key]
            place[path[-1]] = value
        except (TypeError, IndexError, KeyError):
            continue  # An earlier fault has taken the place away.
    problems = problems_of(stack)
    assert all(problem.key_path.startswith("quorate") and problem.remedy for problem in problems)
    assert listing(problems).replace("\n", "").isprintable()
    if not problems:
        assert restore(plain(parse(stack))) == parse(stack)
