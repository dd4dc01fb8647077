from __future__ import annotations

from pathlib import Path

from sandbox.cloud.faults import PARAMETER_STORE, SLOW_BALANCERS, Cut, Faults, ruleset
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


def test_faults_outlive_the_supervisor(tmp_path: Path) -> None:
    faults = Faults(tmp_path / "faults.json")
    faults.cut_zone("eu-central-1a", True)
    faults.cut_machine("i-0a", True)
    faults.ail_balancers(SLOW_BALANCERS)
    faults.silence(PARAMETER_STORE, True)
    again = Faults(tmp_path / "faults.json")
    assert again.zones == {"eu-central-1a"}
    assert again.machines == {"i-0a"}
    assert again.balancers == {SLOW_BALANCERS}
    assert again.services == {PARAMETER_STORE}


def test_faults_of_an_earlier_version_are_read(tmp_path: Path) -> None:
    (tmp_path / "faults.json").write_text('{"zones": [], "machines": ["i-0a"]}')
    assert Faults(tmp_path / "faults.json").machines == {"i-0a"}
