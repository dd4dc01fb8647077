"""The ruleset says what security groups say, and refuses what it cannot enforce."""

from __future__ import annotations

import pytest

from sandbox.cloud.firewall import NotModelled, Port, Rule, ruleset

EVERYTHING = Rule("-1", None, None, ("0.0.0.0/0",))


def port(**changes: object) -> Port:
    base: dict[str, object] = {
        "interface": "qa",
        "address": "10.20.0.10",
        "public_address": None,
        "reaches_internet": False,
        "source_check": True,
        "ingress": (),
        "egress": (),
    }
    return Port(**{**base, **changes})  # type: ignore[arg-type]


def chain(text: str, name: str) -> list[str]:
    lines = text.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(f"  chain {name} "))
    end = next(number for number in range(start, len(lines)) if lines[number] == "  }")
    return [line.strip() for line in lines[start + 1 : end]]


def test_a_machine_without_rules_hears_and_says_nothing() -> None:
    text = ruleset([port()], [])
    assert chain(text, "in-qa") == ["drop"]
    assert chain(text, "out-qa") == ["drop"]


def test_a_port_range_admits_only_its_peers_and_then_drops() -> None:
    text = ruleset([port(ingress=(Rule("tcp", 30000, 32767, ("10.20.0.0/16",)),))], [])
    assert chain(text, "in-qa") == ["ip saddr { 10.20.0.0/16 } tcp dport 30000-32767 accept", "drop"]


def test_an_allowed_sender_still_meets_the_receivers_rules() -> None:
    text = ruleset([port(egress=(EVERYTHING,)), port(interface="qb", address="10.20.0.11")], [])
    assert chain(text, "out-qa")[0].endswith("return")
    forward = chain(text, "forward")
    assert forward.index('iifname "qa" jump out-qa') < forward.index('oifname "qb" goto in-qb')
    assert "policy drop" in forward[0] or "policy drop" in text


def test_overlapping_peers_become_one_interval_because_nft_refuses_overlaps() -> None:
    text = ruleset([port(ingress=(Rule("tcp", 22, 22, ("10.20.0.0/16", "10.20.0.10", "192.168.0.1/32")),))], [])
    assert chain(text, "in-qa")[0] == "ip saddr { 10.20.0.0/16, 192.168.0.1/32 } tcp dport 22-22 accept"


def test_a_rule_for_a_group_without_members_admits_nobody() -> None:
    assert chain(ruleset([port(ingress=(Rule("tcp", 22, 22, ()),))], []), "in-qa") == ["drop"]


def test_a_forged_source_address_is_dropped_unless_the_check_is_off() -> None:
    check = 'iifname "qa" ip saddr != 10.20.0.10 drop'
    assert check in ruleset([port()], [])
    assert check not in ruleset([port(source_check=False)], [])


def test_the_internet_is_reached_only_where_routes_say_so() -> None:
    accept = 'iifname "qa" ip daddr 192.0.2.1 accept'
    assert accept in ruleset([port(reaches_internet=True)], [])
    assert accept not in ruleset([port(reaches_internet=False)], [])


def test_metadata_and_dns_are_exempt_from_security_groups() -> None:
    incoming = chain(ruleset([port()], ["10.20.0.2"]), "input")
    exempt = incoming.index("ip daddr 169.254.169.254 tcp dport 80 accept")
    assert exempt < incoming.index('iifname "qa" jump out-qa')
    assert any("10.20.0.2, 169.254.169.253" in line and "dport 53 accept" in line for line in incoming)


def test_a_public_address_leads_to_its_machine() -> None:
    assert "ip daddr 198.51.100.7 dnat ip to 10.20.0.10" in ruleset([port(public_address="198.51.100.7")], [])


def test_a_protocol_that_is_not_enforced_is_refused_by_name() -> None:
    with pytest.raises(NotModelled, match="'132'"):
        ruleset([port(ingress=(Rule("132", 1, 2, ("10.0.0.0/8",)),))], [])
