"""What nftables is asked to do, and what it answers; sandbox/tests/machines has connections that fail."""

from __future__ import annotations

import json

import pytest

from sandbox.cloud import handshakes
from sandbox.cloud.handshakes import Handshakes, armed
from sandbox.cloud.namespace import CommandFailed


class Nft:
    """In place of the host's: a set of names, and what it heard."""

    def __init__(self, *names: str, there: bool = True) -> None:
        self.names, self.there, self.applied = list(names), there, ""

    def run(self, *command: str, stdin: str | None = None) -> str:
        if not self.there:
            raise CommandFailed("No such file or directory")
        self.applied += stdin or ""
        told = {"name": "next", "table": "quorate-handshakes"} | ({"elem": self.names} if self.names else {})
        return json.dumps({"nftables": [{"metainfo": {"json_schema_version": 1}}, {"set": told}]})


def nft(monkeypatch: pytest.MonkeyPatch, *names: str, there: bool = True) -> Nft:
    stand_in = Nft(*names, there=there)
    monkeypatch.setattr(handshakes, "run", stand_in.run)
    return stand_in


def test_a_connection_uses_the_fault_up_when_it_comes_and_is_reset_at_its_first_data() -> None:
    text = armed("qa")
    rules = [line.partition(" forward ")[2] for line in text.splitlines() if line.startswith("add rule")]
    assert rules == [
        "tcp dport 22 ct state new oifname @next delete @next { oifname } ct mark set 22",
        "ct mark 22 tcp flags & psh == psh reject with tcp reset",
    ]
    assert text.endswith('add element inet quorate-handshakes next { "qa" }\n')


def test_arming_again_leaves_others_armed_and_every_rule_there_once() -> None:
    text = armed("qa")
    assert "delete table" not in text
    assert "flush set" not in text
    assert text.index("flush chain") < text.index("add rule")


def test_those_that_are_to_fail_are_read_from_nftables_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    nft(monkeypatch, "qa", "qb")
    assert Handshakes().failing() == {"qa", "qb"}
    nft(monkeypatch)
    assert Handshakes().failing() == set()


def test_without_a_table_none_is_to_fail_and_healing_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    nft(monkeypatch, there=False)
    assert Handshakes().failing() == set()
    Handshakes().heal("qa")


def test_healing_takes_out_the_machine_even_if_a_connection_was_quicker(monkeypatch: pytest.MonkeyPatch) -> None:
    host = nft(monkeypatch, "qa", "qb")
    Handshakes().heal("qa")
    assert [line.split()[0] for line in host.applied.splitlines()] == ["add", "delete"]
    assert '"qb"' not in host.applied
