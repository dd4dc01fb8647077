"""What is asked of a stack that is up: its load balancers, how its machines were started, and one of its machines."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial
from itertools import chain
from typing import Any, Final

from components.plan import Plan
from components.ports import API
from components.timings import API_HEALTH_CHECK, DEREGISTRATION_DELAY, api_grace
from operations.errors import NotAnswered
from operations.remote.aws import GLOBAL_REGION, Ask
from operations.remote.outputs import NOT_UP
from operations.smoke.answers import Found, Question, judged, once
from operations.smoke.machine import AskMachine

_CLOCK: Final = "169.254.169.123"
# Of every instance type that runs on Nitro, in its VPC.
_MTU: Final = 9001
# The AWS provider tries so long to start an instance with a profile that EC2 doesn't know yet.
_PROFILE_SECONDS: Final = 120
# Suites that a server with an RSA key has, by their numbers: with one of them, or TLS 1.3, a check comes through.
_RSA: Final = {"c02f", "c030", "cca8"}
_ECDSA: Final = {"c02b", "c02c", "cca9"}
_LISTEN_SECONDS: Final = 3 * API_HEALTH_CHECK.interval


def living_questions(ask: Ask, plan: Plan, machine: AskMachine) -> Iterator[Question]:
    """Each is answered with "not asked" while there is nothing to ask."""
    for group in plan.target_group_names:
        yield Question(f"health of targets in {group}", partial(_health, ask, group))
        yield Question(f"attributes of {group}", partial(_attributes, ask, group))
    yield Question("delay of instance profiles", partial(_profiles, ask, plan))

    @once
    def facts() -> Any:
        nodes = sorted(chain.from_iterable(_addresses(ask, name) for name in plan.target_group_names))
        return machine.facts(plan.founder.name, str(API), str(_LISTEN_SECONDS if nodes else 0), *nodes)

    if plan.target_group_names:
        yield Question("TLS of health checks", lambda: _checks(facts()))
    yield Question("clock of machines", lambda: _clock(facts()))
    yield Question("MTU of machines, and of their way to load balancers", lambda: _mtu(facts()))


def target_group(ask: Ask, name: str) -> str:
    """The ARN of a target group. Raises NotAnswered."""
    try:
        return str(ask("elbv2", "describe-target-groups", "--names", name)["TargetGroups"][0]["TargetGroupArn"])
    except NotAnswered as unanswered:
        raise (NotAnswered(NOT_UP) if unanswered.code == "TargetGroupNotFound" else unanswered) from None


def health_of(ask: Ask, arn: str) -> Mapping[str, tuple[str, str]]:
    """State and reason of each target, by its address."""
    found = ask("elbv2", "describe-target-health", "--target-group-arn", arn)["TargetHealthDescriptions"]
    return {one["Target"]["Id"]: (one["TargetHealth"]["State"], one["TargetHealth"].get("Reason", "")) for one in found}


def _health(ask: Ask, group: str) -> Found:
    targets = health_of(ask, target_group(ask, group))
    bad = [
        f"{address} is {state} ({reason or 'no reason given'})"
        for address, (state, reason) in sorted(targets.items())
        if state != "healthy"
    ]
    return judged(
        bad or ([] if targets else ["it has no targets"]), f"{len(targets) - len(bad)} of {len(targets)} healthy"
    )


def _attributes(ask: Ask, group: str) -> Found:
    wanted = {
        "target_health_state.unhealthy.connection_termination.enabled": "false",
        "target_health_state.unhealthy.draining_interval_seconds": str(api_grace()),
        "deregistration_delay.timeout_seconds": str(DEREGISTRATION_DELAY),
        "deregistration_delay.connection_termination.enabled": "true",
        "preserve_client_ip.enabled": "false",
    }
    arn = target_group(ask, group)
    listed = ask("elbv2", "describe-target-group-attributes", "--target-group-arn", arn)["Attributes"]
    found = {one["Key"]: one["Value"] for one in listed}
    problems = [f"{key} is {found.get(key)}, not {value}" for key, value in wanted.items() if found.get(key) != value]
    return judged(problems, f"{len(wanted)} compared")


def _profiles(ask: Ask, plan: Plan) -> Found:
    """From CloudTrail, which has an event some minutes after it happened, for 90 days."""
    prefix = f"{plan.settings.cluster.name}-"
    made = {
        str(event["requestParameters"]["instanceProfileName"]): _moment(event)
        for event in _events(ask, "CreateInstanceProfile", GLOBAL_REGION)
        if not event.get("errorCode")
    }
    delays: dict[str, float] = {}
    refused = 0
    for event in _events(ask, "RunInstances", ""):
        profile = ((event.get("requestParameters") or {}).get("iamInstanceProfile") or {}).get("name", "")
        if profile not in made or not profile.startswith(prefix):
            continue
        if event.get("errorCode"):
            refused += "profile" in str(event.get("errorMessage", "")).lower()
            continue
        after = (_moment(event) - made[profile]).total_seconds()
        delays[profile] = min(after, delays.get(profile, after))
    if not delays:
        raise NotAnswered("CloudTrail has no start of a machine of this stack (it takes 15 minutes, and keeps 90 days)")
    longest = max(delays.values())
    # Without a refusal the time is that of other work between the two.
    late = [f"longer than {_PROFILE_SECONDS} s"] if refused and longest > _PROFILE_SECONDS else []
    return judged(
        late, f"{refused} starts refused as the profile was not known yet; at most {longest:.0f} s until one began"
    )


def _events(ask: Ask, name: str, region: str) -> Iterator[Any]:
    key = f"AttributeKey=EventName,AttributeValue={name}"
    found = ask("cloudtrail", "lookup-events", "--lookup-attributes", key, "--max-items", "200", region=region)
    return (json.loads(event["CloudTrailEvent"]) for event in found.get("Events", []))


def _moment(event: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(str(event["eventTime"]))


def _addresses(ask: Ask, name: str) -> Iterator[str]:
    """From where the nodes of a load balancer send."""
    named = f"Name=description,Values=ELB net/{name}/*"
    for interface in ask("ec2", "describe-network-interfaces", "--filters", named)["NetworkInterfaces"]:
        yield from (str(one["PrivateIpAddress"]) for one in interface["PrivateIpAddresses"])


def _checks(facts: Any) -> Found:
    hellos = facts["hellos"]
    if not hellos:
        raise NotAnswered(f"none came within {_LISTEN_SECONDS} s that can be told from a client's connection")
    problems, found = [], []
    for hello in hellos:
        versions, suites = hello["versions"], set(hello["suites"])
        if not ("1.3" in versions or ("1.2" in versions and suites & _RSA)):
            problems.append(f"TLS {', '.join(versions)} without a suite for RSA keys that API servers have")
        found.append(f"TLS {', '.join(versions)}; suites for ECDSA keys: {'yes' if suites & _ECDSA else 'no'}")
    return judged(problems, " / ".join(found))


def _clock(facts: Any) -> Found:
    clock = facts["clock"]
    server = clock.get("ServerAddress", "")
    others = [] if server == _CLOCK else [f"it follows {server or clock.get('error') or 'nothing'}, not {_CLOCK}"]
    return judged(others, f"timesyncd's server: {clock.get('ServerName') or server or 'none'}")


def _mtu(facts: Any) -> Found:
    problems = [] if facts["mtu"] == _MTU else [f"{facts['interface']} has {facts['mtu']}, not {_MTU}"]
    way = ""
    if "path_error" in facts:
        problems.append(f"a load balancer does not answer there: {facts['path_error']}")
    elif "path_mtu" in facts:
        way = f", way to a load balancer {facts['path_mtu']} in segments of {facts['segment']}"
    return judged(problems, f"interface {facts['mtu']}{way}")
