"""The ruleset says what security groups say, and refuses what it cannot enforce."""

from __future__ import annotations

import pytest

from sandbox.cloud.firewall import Node, NotModelled, Port, Rule, ruleset

EVERYTHING = Rule("-1", None, None, ("0.0.0.0/0",))


def port(**changes: object) -> Port:
    base: dict[str, object] = {
        "interface": "qa",
        "address": "10.20.0.10",
        "public_address": None,
        "seen_as": None,
        "reaches_storage": False,
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


def test_the_two_numbers_of_an_icmp_rule_are_type_and_code_and_minus_one_is_any() -> None:
    rules = [Rule("icmp", first, second, ("0.0.0.0/0",)) for first, second in ((3, 4), (8, -1), (-1, -1))]
    assert chain(ruleset([port(ingress=tuple(rules))], []), "in-qa")[:-1] == [
        "ip saddr { 0.0.0.0/0 } ip protocol icmp icmp type 3 icmp code 4 accept",
        "ip saddr { 0.0.0.0/0 } ip protocol icmp icmp type 8 accept",
        "ip saddr { 0.0.0.0/0 } ip protocol icmp accept",
    ]


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


def test_the_internet_is_reached_only_where_routes_say_so_and_under_the_address_that_they_give() -> None:
    accept = 'iifname "qa" ip daddr { 192.0.2.1, 192.0.2.3 } accept'
    text = ruleset([port(seen_as="198.51.100.9")], [])
    assert accept in chain(text, "input")
    assert chain(text, "internet")[0] == "ip saddr 10.20.0.10 ip daddr 192.0.2.1 snat ip to 198.51.100.9"
    assert not any("192.0.2.1 " in line for line in chain(ruleset([port()], []), "input"))


def test_a_gateway_endpoint_leads_to_storage_and_nowhere_else() -> None:
    incoming = chain(ruleset([port(reaches_storage=True)], []), "input")
    assert incoming[-1] == 'iifname "qa" ip daddr { 192.0.2.3 } accept'


def test_a_machine_without_a_way_out_does_not_reach_public_addresses_of_others_either() -> None:
    drop = 'iifname "qa" ct status dnat drop'
    assert drop in chain(ruleset([port()], []), "forward")
    assert drop not in chain(ruleset([port(seen_as="198.51.100.9")], []), "forward")


def test_metadata_and_dns_are_exempt_from_security_groups() -> None:
    incoming = chain(ruleset([port()], ["10.20.0.2"]), "input")
    exempt = incoming.index("ip daddr 169.254.169.254 tcp dport 80 accept")
    assert exempt < incoming.index('iifname "qa" jump out-qa')
    assert any("10.20.0.2, 169.254.169.253" in line and "dport 53 accept" in line for line in incoming)


def test_a_public_address_leads_to_its_machine() -> None:
    assert "ip daddr 198.51.100.7 dnat ip to 10.20.0.10" in ruleset([port(public_address="198.51.100.7")], [])


API = Rule("tcp", 6443, 6443, ("198.51.100.9/32",))
BALANCER = Node("lb-0", "10.20.0.4", None, ingress=(API,), egress=(EVERYTHING,))
PUBLIC = Node("lb-1", "10.20.0.5", "198.51.100.30", ingress=(API,), egress=(EVERYTHING,))


def test_what_comes_to_a_load_balancer_meets_its_rules_after_the_senders() -> None:
    text = ruleset([port()], [], [BALANCER])
    incoming = chain(text, "input")
    to_it = 'iifname != "operator" ip daddr 10.20.0.4 goto in-lb-0'
    assert incoming.index('iifname "qa" jump out-qa') < incoming.index(to_it)
    assert chain(text, "in-lb-0") == ["ip saddr { 198.51.100.9/32 } tcp dport 6443-6443 accept", "drop"]


def test_what_a_load_balancer_sends_meets_its_rules_and_the_receivers() -> None:
    outgoing = chain(ruleset([port()], [], [BALANCER]), "output")
    assert outgoing == [
        "ct state established,related accept",
        "ip saddr 10.20.0.4 jump out-lb-0",
        'ip saddr { 10.20.0.4 } oifname "qa" goto in-qa',
        "ip saddr { 10.20.0.4 } drop",
    ]


def test_the_operator_comes_to_a_load_balancer_by_its_public_address_alone() -> None:
    text = ruleset([], [], [BALANCER, PUBLIC])
    assert 'iifname "operator" ip daddr 10.20.0.4 ct status dnat goto in-lb-0' in chain(text, "input")
    assert chain(text, "prerouting") == ["ip daddr 198.51.100.30 dnat ip to 10.20.0.5"]


def test_a_machine_comes_to_a_public_load_balancer_as_the_internet_sees_it() -> None:
    text = ruleset([port(seen_as="198.51.100.9"), port(interface="qb", seen_as="198.51.100.10")], [], [PUBLIC])
    by_public = [line for line in chain(text, "input") if "ct status dnat" in line and "operator" not in line]
    assert by_public == [
        'iifname "qa" ct status dnat ip daddr 10.20.0.5 ip saddr { 10.20.0.10/32 } tcp dport 6443-6443 accept',
        'iifname "qa" ct status dnat drop',
        'iifname "qb" ct status dnat drop',
    ]
    assert any(
        "ip daddr { 10.20.0.5 } ct status dnat snat ip to 198.51.100.9" in line for line in chain(text, "internet")
    )


def test_a_protocol_that_is_not_enforced_is_refused_by_name() -> None:
    with pytest.raises(NotModelled, match="'132'"):
        ruleset([port(ingress=(Rule("132", 1, 2, ("10.0.0.0/8",)),))], [])
