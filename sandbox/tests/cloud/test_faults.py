from __future__ import annotations

from pathlib import Path

from sandbox.cloud.faults import Cut, Cuts, ruleset
from sandbox.tests.cloud.test_firewall import chain


def test_a_cut_separates_inside_from_outside_and_nothing_within() -> None:
    text = ruleset([Cut(("qa", "qb"))])
    assert chain(text, "forward") == [
        'iifname { "qa", "qb" } oifname != { "qa", "qb" } drop',
        'oifname { "qa", "qb" } iifname != { "qa", "qb" } drop',
    ]


def test_a_cut_machine_keeps_its_metadata_and_loses_all_other_services() -> None:
    text = ruleset([Cut(("qa",))])
    assert chain(text, "input") == ['iifname { "qa" } ip daddr != { 169.254.169.254 } drop']
    assert chain(text, "output") == ['oifname { "qa" } ip saddr != { 169.254.169.254 } drop']


def test_what_the_region_itself_has_in_a_zone_is_cut_with_it() -> None:
    text = ruleset([Cut(("qa",), ("10.20.0.5",))])
    assert 'iifname != { "qa" } ip daddr { 10.20.0.5 } drop' in chain(text, "input")
    assert 'oifname != { "qa" } ip saddr { 10.20.0.5 } drop' in chain(text, "output")
    assert 'iifname { "qa" } ip daddr != { 169.254.169.254, 10.20.0.5 } drop' in chain(text, "input")


def test_without_cuts_the_table_is_removed() -> None:
    assert ruleset([]) == "table inet quorate-faults\ndelete table inet quorate-faults\n"


def test_cuts_outlive_the_supervisor(tmp_path: Path) -> None:
    cuts = Cuts.kept_in(tmp_path / "faults.json")
    cuts.zones.add("eu-central-1a")
    cuts.machines.add("i-0a")
    cuts.save()
    again = Cuts.kept_in(tmp_path / "faults.json")
    assert (again.zones, again.machines) == ({"eu-central-1a"}, {"i-0a"})
