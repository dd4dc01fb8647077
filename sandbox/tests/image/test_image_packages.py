from __future__ import annotations

from sandbox.image.packages import source_lines

ARCHIVE = "http://mirror.invalid/debian"


def test_the_hosts_own_mirrors_are_used_suite_by_suite() -> None:
    targets = (
        f"{ARCHIVE} bookworm main\n{ARCHIVE} bookworm-updates main\n"
        "http://security.invalid/debian bookworm-security main\nhttp://other.invalid/ nodistro main\n"
    )
    assert source_lines(targets) == [
        f"deb {ARCHIVE} bookworm main",
        f"deb {ARCHIVE} bookworm-updates main",
        "deb http://security.invalid/debian bookworm-security main",
    ]


def test_only_the_main_component_counts() -> None:
    assert source_lines(f"http://other.invalid/x bookworm contrib\n{ARCHIVE} bookworm main\n") == [
        f"deb {ARCHIVE} bookworm main"
    ]


def test_a_host_of_another_release_gives_no_mirror() -> None:
    assert source_lines("http://mirror.invalid/ubuntu noble main\n") == []
    assert source_lines("") == []
