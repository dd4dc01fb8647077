"""Of connections that earlier processes hold those end that would end in the present one."""

from __future__ import annotations

import pytest

from sandbox.cloud.balancer.config import Backend, Server
from sandbox.cloud.balancer.predecessors import (
    Connection,
    Processes,
    connections_in,
    end,
    held,
    processes_in,
    to_be_ended,
)
from sandbox.cloud.balancer.runtime import RuntimeRefused

PROCESSES = """#<PID>          <type>          <reloads>       <uptime>        <version>
32              {parent}        0d00h00m05s     2.6.12-1+deb12u4
# workers
222             worker          0               0d00h00m02s     2.6.12-1+deb12u4
{old}# programs
"""
OLD = """# old workers
34              worker          2               0d00h00m05s     2.6.12-1+deb12u4
35              worker          1               0d00h00m05s     2.6.12-1+deb12u4
"""
REST = "ts=00 epoch=0 age=3s calls=2 rate=0 cpu=0 lat=0 rq[f=808000h,i=0,an=00h,rx=4m56s,wx=,ax=] exp=0s rc=0 c_exp="
CONNECTIONS = f"""0x563d9d0950c0: proto=tcpv4 src=127.0.0.1:47180 fe=f-1 be=f srv=a {REST}
0x563d9d1850f0: proto=sockpair src=unix:1 fe=GLOBAL be=<NONE> srv=<none> {REST}
"""
OF_A = Connection(34, "0x563d9d0950c0", "f", "a")


def forwards(*names: str, ends: bool = True) -> Backend:
    return Backend("f", tuple(Server(name, name, 6443, "") for name in names), checks=False, ends_connections=ends)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (PROCESSES.format(parent="master          0 [failed: 0]", old=""), Processes(0, failed=False, earlier=())),
        (
            PROCESSES.format(parent="master          3 [failed: 1]", old=OLD),
            Processes(3, failed=True, earlier=(34, 35)),
        ),
    ],
)
def test_the_parent_process_says_which_workers_there_are(answer: str, expected: Processes) -> None:
    assert processes_in(answer) == expected


def test_an_answer_of_something_else_is_refused() -> None:
    with pytest.raises(RuntimeRefused, match="Unknown command"):
        processes_in("Unknown command: 'show proc'")


def test_a_worker_says_which_connections_it_has_to_servers() -> None:
    assert connections_in(34, CONNECTIONS) == [OF_A]


def test_earlier_workers_are_asked_one_by_one() -> None:
    answers = {
        "show proc": PROCESSES.format(parent="master          3 [failed: 0]", old=OLD),
        "@!34 show sess": CONNECTIONS,
        "@!35 show sess": "Can't find the target PID matching the prefix '@!35'",
    }
    assert held(answers.__getitem__) == [OF_A]


def test_one_that_ends_is_ended_in_its_own_process() -> None:
    told: list[str] = []

    def ask(command: str) -> str:
        told.append(command)
        return ""

    end(ask, [OF_A])
    assert told == ["@!34 shutdown session 0x563d9d0950c0"]


@pytest.mark.parametrize(
    ("backend", "ending", "ends"),
    [
        (forwards("a"), set(), False),
        (forwards("a"), {("f", "a")}, True),
        (forwards("a"), {("f", "b"), ("other", "a")}, False),
        (forwards("b"), set(), True),
        (forwards("b", ends=False), set(), False),
        (Backend("other", (), checks=False), {("other", "a")}, False),
    ],
    ids=["goes on", "unhealthy", "others", "has left", "may end by itself", "of no backend"],
)
def test_what_ends_is_what_would_end_in_the_present_process(
    backend: Backend, ending: set[tuple[str, str]], ends: bool
) -> None:
    assert to_be_ended([OF_A], [backend], ending) == ([OF_A] if ends else [])
