"""Every way in which a host can fall short has a message of its own, with the remedy."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.preflight.rules import CONTROLLERS, needs, numbers, problems
from sandbox.preflight.situation import ControlGroups, Room, Situation, Work

GIB = 2**30
NOTHING = Work(tools=(), go="1.26.2", image=False, site=False)
EVERYTHING = Work(tools=("aws", "kubernetes", "pulumi", "etcd"), go="1.26.2", image=True, site=True)
PLACES = ("Go's module cache", "Go's build cache", "tools, machine image and packages", "machines")


def rooms(**free_gib: float) -> dict[str, tuple[Path, Room]]:
    """Four places, on one file system unless `free_gib` names several."""
    devices = list(free_gib)
    return {
        kind: (Path(f"/folder{n}"), Room(int(free_gib[devices[n % len(devices)]] * GIB), n % len(devices)))
        for n, kind in enumerate(PLACES)
    }


GOOD = Situation(
    root=True,
    go="go1.26.8",
    go_toolchain="local",
    missing_packages=("runc",),
    apt=True,
    rooms=rooms(all=100),
    control_groups=ControlGroups(2, CONTROLLERS[2] | {"misc"}),
    refusals={},
)


def only(host: Situation, work: Work = EVERYTHING) -> str:
    found = problems(host, work)
    assert len(found) == 1, found
    return str(found[0])


def test_a_good_host_has_no_problem_though_packages_are_to_be_installed() -> None:
    assert problems(GOOD, EVERYTHING) == []


def test_another_user_than_root_is_told_to_use_sudo() -> None:
    assert "sudo -E" in only(replace(GOOD, root=False, refusals=None))


def test_missing_packages_without_apt_are_listed_by_their_debian_names() -> None:
    message = only(replace(GOOD, apt=False, missing_packages=("nftables", "runc")))
    assert "nftables, runc" in message
    assert "no apt-get" in message


def test_without_go_the_release_to_install_is_named() -> None:
    message = only(replace(GOOD, go="", go_toolchain=""))
    assert "no `go` on PATH" in message
    assert "Install Go 1.26.2 or newer" in message


@pytest.mark.parametrize(
    ("go", "toolchain", "accepted"),
    [
        ("go1.26.8", "local", True),
        ("go1.27.0", "local", True),
        ("go1.26.0", "local", True),
        ("go1.24.1", "auto", True),
        ("go1.24.1", "go1.24.1+auto", True),
        ("go1.24.1", "local", False),
        ("go1.24.1", "path", False),
        ("go1.19.8", "", False),
    ],
)
def test_an_older_go_will_do_only_where_it_may_fetch_the_release(go: str, toolchain: str, accepted: bool) -> None:
    found = problems(replace(GOOD, go=go, go_toolchain=toolchain), EVERYTHING)
    assert (found == []) == accepted
    if toolchain in ("local", "path") and not accepted:
        assert f"GOTOOLCHAIN=auto instead of {toolchain}" in str(found[0])


def test_go_is_not_asked_for_where_nothing_is_to_be_built() -> None:
    assert problems(replace(GOOD, go=""), NOTHING) == []


def test_go_is_asked_for_where_only_the_packages_are_to_be_made() -> None:
    assert "the images that machines pull" in only(replace(GOOD, go=""), replace(NOTHING, site=True))


def test_a_low_disk_is_told_with_each_part_its_folder_and_how_to_move_it() -> None:
    message = only(replace(GOOD, rooms=rooms(all=3.25)))
    total = sum(needs(EVERYTHING).values())
    assert f"3.2 GiB of disk are free, but {total:.1f} are needed" in message
    for number, variable in enumerate(("GOMODCACHE", "GOCACHE", "QUORATE_CACHE", "QUORATE_STATE")):
        assert f"(/folder{number})" in message
        assert f"{variable}=FOLDER" in message


def test_each_file_system_is_judged_by_what_goes_there() -> None:
    message = only(replace(GOOD, rooms=rooms(first=100, second=1)))
    assert "/folder1" in message
    assert "/folder3" in message
    assert "/folder0" not in message
    assert len(problems(replace(GOOD, rooms=rooms(first=1, second=1)), EVERYTHING)) == 2


def test_a_disk_needs_room_only_for_what_is_missing() -> None:
    assert problems(replace(GOOD, rooms=rooms(all=3)), NOTHING) == []
    assert "machines (/folder3)" in only(replace(GOOD, rooms=rooms(all=1)), NOTHING)
    assert "Go's build cache" not in only(replace(GOOD, rooms=rooms(all=1)), NOTHING)


def test_a_host_without_control_groups_is_told_to_mount_them() -> None:
    assert "mount -t cgroup2" in only(replace(GOOD, control_groups=ControlGroups(0, frozenset())))


def test_version_2_without_delegated_controllers_says_which_are_lacking() -> None:
    message = only(replace(GOOD, control_groups=ControlGroups(2, frozenset({"cpu", "memory", "pids"}))))
    assert "lack cpuset, io" in message
    assert "Delegate=yes" in message


def test_version_1_with_all_controllers_is_as_good() -> None:
    assert (
        problems(replace(GOOD, control_groups=ControlGroups(1, CONTROLLERS[1] | {"rw", "name=systemd"})), NOTHING) == []
    )


def test_version_1_says_which_controllers_are_not_mounted() -> None:
    message = only(replace(GOOD, control_groups=ControlGroups(1, CONTROLLERS[1] - {"memory", "pids"})))
    assert "mounted without memory, pids" in message


@pytest.mark.parametrize("tried", ["a mount namespace", "an overlay mount", "a network namespace", "a loop device"])
def test_a_refusal_of_the_kernel_is_shown_as_it_was(tried: str) -> None:
    message = only(replace(GOOD, refusals={tried: "[Errno 1] unshare: Operation not permitted"}))
    assert f"root may not make {tried} here: [Errno 1] unshare: Operation not permitted" in message
    assert "--privileged" in message


def test_all_problems_are_told_at_once() -> None:
    worst = Situation(
        root=False,
        go="",
        go_toolchain="",
        missing_packages=("runc",),
        apt=False,
        rooms=rooms(all=0.5),
        control_groups=ControlGroups(0, frozenset()),
        refusals={"a loop device": "no /dev/loop-control"},
    )
    assert len(problems(worst, EVERYTHING)) == 6


def test_versions_of_go_are_read_with_and_without_its_name() -> None:
    assert numbers("go1.26rc1") == numbers("1.26.2") == (1, 26)
    with pytest.raises(ValueError, match="devel"):
        numbers("devel +abc")
