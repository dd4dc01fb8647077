"""What an account is asked, and when an answer differs from what the program assumes; with recorded answers."""

from __future__ import annotations

import re
from typing import Any

import pytest

from components.plan import Plan
from operations.errors import NotAnswered
from operations.smoke.answers import Outcome
from operations.smoke.command import all_answers, say
from tests.operations.smoke.recorded import (
    FACTS,
    GROUP,
    NOT_FOUND,
    PLAN,
    PROFILE,
    ZONES,
    Account,
    Founder,
    event,
    instance,
    quota,
    target,
)
from tests.operations.stacks import EDUCATION, PROD, settings

NOT_UP = NotAnswered("An error occurred (TargetGroupNotFound) …", "TargetGroupNotFound")
READS = re.compile(r"(describe|get|lookup|list)-")


def told(account: Account, founder: Any = None, plan: Plan = PLAN) -> dict[str, tuple[Outcome, str]]:
    """Outcome and finding of each question by its subject."""
    found = list(all_answers(account, plan, founder or Founder()))
    assert len({answer.subject for answer in found}) == len(found)
    return {answer.subject: (answer.outcome, answer.found) for answer in found}


def test_an_account_as_assumed_is_said_to_be_so_and_the_exit_status_is_0(capsys: pytest.CaptureFixture[str]) -> None:
    account = Account()
    assert say(all_answers(account, PLAN, Founder())) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if ": as assumed: " not in line] == [
        "quota of vCPUs of Spot machines: not asked: the stack needs none"
    ]
    assert "machine image: as assumed: ami-0d12f3ac5e9f14b27 of 2026-10-18, root /dev/xvda" in lines
    assert "TLS of health checks: as assumed: TLS 1.2; suites for ECDSA keys: yes" in lines


def test_nothing_is_asked_that_changes_an_account() -> None:
    account = Account()
    told(account)
    assert len(account.asked) > 20
    assert [call for call in account.asked if not READS.match(call.split()[1])] == []


def test_a_region_without_debians_image_differs() -> None:
    missing = NotAnswered("An error occurred (ParameterNotFound) …", "ParameterNotFound")
    assert told(Account(ssm__get_parameter=missing))["machine image"][0] is Outcome.DIFFERS
    assert told(Account(ec2__describe_images={"Images": []}))["machine image"][0] is Outcome.DIFFERS
    denied = NotAnswered("An error occurred (AccessDenied) …", "AccessDenied")
    assert told(Account(ssm__get_parameter=denied))["machine image"][0] is Outcome.NOT_ASKED


def test_another_root_device_differs() -> None:
    account = Account()
    account.answers["ec2 describe-images"]["Images"][0]["RootDeviceName"] = "/dev/sda1"
    outcome, found = told(account)["machine image"]
    assert outcome is Outcome.DIFFERS
    assert "RootDeviceName is /dev/sda1, not /dev/xvda" in found


def test_a_zone_without_a_type_differs_where_the_stack_stands_or_would_stand_there() -> None:
    account = Account()
    offerings = account.answers["ec2 describe-instance-type-offerings"]["InstanceTypeOfferings"]
    offerings.remove({"InstanceType": "m7i.xlarge", "LocationType": "availability-zone", "Location": ZONES[2]})
    outcome, found = told(account)["machine types in zones"]
    assert outcome is Outcome.DIFFERS
    assert "quorate:controlPlane.instanceType: no m7i.xlarge in eu-central-1c" in found
    tags = [{"Key": "quorate:cluster", "Value": "prod"}]
    account.answers["ec2 describe-subnets"] = {
        "Subnets": [{"SubnetId": zone, "AvailabilityZone": zone, "Tags": tags} for zone in ZONES[:2]]
    }
    assert told(account)["machine types in zones"][0] is Outcome.AS_ASSUMED, "it has that zone no longer"
    account.answers["ec2 describe-subnets"] = {"Subnets": []}
    account.answers["ec2 describe-availability-zones"]["AvailabilityZones"].pop()
    assert "has 2 zones, and the stack wants 3" in told(account)["machine types in zones"][1]


def test_what_others_use_counts_against_a_quota_and_what_the_stack_has_does_not() -> None:
    # Three xlarge, three members of etcd, and ten workers while nine are replaced: 12 + 6 + 20.
    assert told(Account())["quota of vCPUs of machines on demand"] == (
        Outcome.AS_ASSUMED,
        "the stack needs up to 38 of 64, of which others use 16",
    )
    busy = {"Reservations": [{"Instances": [instance("c7i.8xlarge", 32)]}]}
    outcome, found = told(Account(ec2__describe_instances=busy))["quota of vCPUs of machines on demand"]
    assert (outcome, "ask for 70" in found) == (Outcome.DIFFERS, True)
    few = told(Account(service_quotas__get_service_quota=quota(3)))
    assert few["quota of Elastic IPs"][1] == "ask for 4 (the stack needs up to 3 of 3, of which others use 1)"
    assert few["rules per security group"][0] is Outcome.DIFFERS


def test_service_quotas_lists_some_only_among_its_defaults() -> None:
    account = Account(
        service_quotas__get_service_quota=NOT_FOUND, service_quotas__get_aws_default_service_quota=quota(50)
    )
    assert "of 50," in told(account)["quota of network load balancers"][1]


def test_a_key_of_the_owners_own_differs() -> None:
    key = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    outcome, found = told(Account(ec2__get_ebs_default_kms_key_id={"KmsKeyId": key}))["key of disks"]
    assert outcome is Outcome.DIFFERS
    assert "Auto Scaling's role" in found


def test_an_unhealthy_target_is_named_with_its_reason() -> None:
    health = {"TargetHealthDescriptions": [target("10.20.32.10", "unhealthy", "Target.FailedHealthChecks")]}
    outcome, found = told(Account(elbv2__describe_target_health=health))[f"health of targets in {GROUP}"]
    assert outcome is Outcome.DIFFERS
    assert "10.20.32.10 is unhealthy (Target.FailedHealthChecks)" in found
    none = told(Account(elbv2__describe_target_health={"TargetHealthDescriptions": []}))
    assert none[f"health of targets in {GROUP}"][0] is Outcome.DIFFERS


def test_an_attribute_that_aws_did_not_take_differs() -> None:
    account = Account()
    account.answers["elbv2 describe-target-group-attributes"]["Attributes"][0]["Value"] = "true"
    assert "connection_termination.enabled is true, not false" in told(account)[f"attributes of {GROUP}"][1]


def test_the_delay_of_a_profile_is_from_its_creation_to_the_first_start_with_it() -> None:
    subject = "delay of instance profiles"
    found = "1 starts refused as the profile was not known yet; at most 19 s until one began"
    assert told(Account())[subject] == (Outcome.AS_ASSUMED, found)
    late = event("RunInstances", 0, {"iamInstanceProfile": {"name": PROFILE}})
    late["CloudTrailEvent"] = late["CloudTrailEvent"].replace("12:00", "12:03")
    account = Account()
    events = account.answers["cloudtrail lookup-events RunInstances"]["Events"]
    account.answers["cloudtrail lookup-events RunInstances"] = {"Events": [late, events[1]]}
    assert told(account)[subject][0] is Outcome.DIFFERS
    account.answers["cloudtrail lookup-events RunInstances"] = {"Events": []}
    assert told(account)[subject][0] is Outcome.NOT_ASKED


@pytest.mark.parametrize(
    ("subject", "facts"),
    [
        ("TLS of health checks", {"hellos": [{"versions": ["1.0"], "suites": ["c02f"], "names_server": False}]}),
        ("TLS of health checks", {"hellos": [{"versions": ["1.2"], "suites": ["c02b"], "names_server": False}]}),
        ("clock of machines", {"clock": {"ServerName": "2.debian.pool.ntp.org", "ServerAddress": "192.0.2.4"}}),
        ("clock of machines", {"clock": {"error": "Failed to query server: Unit not found"}}),
        ("MTU of machines, and of their way to load balancers", {"mtu": 1500}),
        ("MTU of machines, and of their way to load balancers", {"path_error": "timed out"}),
    ],
)
def test_a_machine_that_differs_is_said_to_and_others_of_its_answers_stand(subject: str, facts: dict[str, Any]) -> None:
    found = told(Account(), Founder({**FACTS, **facts}))
    assert [name for name, (outcome, _) in found.items() if outcome is Outcome.DIFFERS] == [subject]


def test_the_machine_is_asked_once_and_listens_for_the_load_balancers_nodes() -> None:
    for founder in (Founder(), Founder(NotAnswered("no route"))):
        found = told(Account(), founder)
        assert founder.calls == [("control-plane-0", "6443", "15", "10.20.32.11")]
        assert found["clock of machines"][0] is (
            Outcome.AS_ASSUMED if found["clock of machines"][1] != "no route" else Outcome.NOT_ASKED
        )


def test_checks_that_cannot_be_told_from_clients_are_not_asked_about() -> None:
    assert told(Account(), Founder({**FACTS, "hellos": []}))["TLS of health checks"][0] is Outcome.NOT_ASKED


def test_before_the_first_up_the_region_is_asked_and_the_stack_is_not() -> None:
    account = Account(elbv2__describe_target_groups=NOT_UP, ec2__describe_network_interfaces={"NetworkInterfaces": []})
    account.answers["cloudtrail lookup-events RunInstances"] = {"Events": []}
    founder = Founder(NotAnswered("the stack has no machines yet: run `pulumi up` first"))
    found = told(account, founder)
    assert found["machine image"][0] is Outcome.AS_ASSUMED
    of_stack = list(found)[list(found).index("key of disks") + 1 :]
    assert {found[subject][0] for subject in of_stack} == {Outcome.NOT_ASKED}
    assert "run `pulumi up` first" in found[f"health of targets in {GROUP}"][1]


def test_a_stack_without_load_balancers_is_not_asked_about_them() -> None:
    education = Plan(settings(EDUCATION))
    founder = Founder()
    account = Account()
    account.answers["ec2 describe-instance-types"]["InstanceTypes"].append(
        {"InstanceType": "t3.medium", "VCpuInfo": {"DefaultVCpus": 2}}
    )
    found = told(account, founder, education)
    assert not [subject for subject in found if "targets" in subject or "TLS" in subject]
    assert founder.calls == [("control-plane-0", "6443", "0")]
    assert found["quota of NAT gateways in a zone"] == (Outcome.NOT_ASKED, "the stack needs none")


def test_spot_machines_have_a_quota_of_their_own() -> None:
    pools = [{"name": "general", "instanceType": "m7i.large", "minimum": 3, "maximum": 10, "spot": True}]
    found = told(Account(), plan=Plan(settings({**PROD, "workers": pools})))
    assert "needs up to 22 of 64, of which others use 2" in found["quota of vCPUs of Spot machines"][1]
    assert "needs up to 18 of 64" in found["quota of vCPUs of machines on demand"][1]


@pytest.mark.parametrize("answer", [{}, {"Images": None}, {"Images": [None]}, []])
def test_an_answer_of_another_form_is_said_and_ends_nothing(answer: Any) -> None:
    outcome, found = told(Account(ec2__describe_images=answer))["machine image"]
    assert outcome in (Outcome.NOT_ASKED, Outcome.DIFFERS)
    assert found


def test_the_exit_status_says_whether_something_differs(capsys: pytest.CaptureFixture[str]) -> None:
    account = Account(ec2__describe_images={"Images": []})
    assert say(all_answers(account, PLAN, Founder())) == 3
    assert "machine image: differs: " in capsys.readouterr().out
