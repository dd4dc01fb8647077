"""The load balancers' targets, looked at again and again while somebody runs `pulumi up`, beside new connections."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from components.ports import API
from components.timings import TARGET_BECOMES_HEALTHY
from operations.errors import NotAnswered
from operations.smoke.answers import Answer, Outcome, judged

_PAUSE: Final = 2.0
_CONNECT_SECONDS: Final = 5.0
States = Mapping[str, str]


@dataclass(frozen=True)
class Sight:
    """Seconds since the beginning, the state of each target then, and why a new connection failed, if one did."""

    second: float
    states: States
    failed: str = ""


def watched(
    states: Callable[[], States],
    connect: Callable[[], str] | None,
    seconds: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> list[Sight]:
    """What was seen until the time is up or Ctrl-C is pressed."""
    sights: list[Sight] = []
    begin = clock()
    try:
        while (now := clock() - begin) < seconds:
            try:
                sights.append(Sight(now, states(), connect() if connect else ""))
            except (NotAnswered, AttributeError, LookupError, TypeError):
                # There is nothing yet, or AWS has no answer this time: the next one counts.
                sights.append(Sight(now, {}))
            sleep(_PAUSE)
    except KeyboardInterrupt:
        pass
    return sights


def verdicts(sights: Sequence[Sight], connected: bool) -> Iterator[Answer]:
    """What was seen against what this program assumes. `connected`: connections were tried."""
    subject = "registration of targets"
    took = list(registrations(sights))
    if took:
        late = [target for target, second, _ in took if second > TARGET_BECOMES_HEALTHY]
        problems = [f"{', '.join(late)}: longer than the {TARGET_BECOMES_HEALTHY} s that are waited"] if late else []
        found = (f"{target} {'took' if done else 'is new for'} {second:.0f} s" for target, second, done in took)
        yield Answer(subject, *judged(problems, ", ".join(found)))
    else:
        yield Answer(subject, Outcome.NOT_ASKED, "no target was new")
    subject = "new connections while health changes"
    changes = list(changes_of_health(sights))
    tried = [sight for sight in sights if sight.states]
    if not connected:
        yield Answer(subject, Outcome.NOT_ASKED, "from here no way to the API that the stack exports leads through one")
        return
    if not changes:
        yield Answer(subject, Outcome.NOT_ASKED, f"no target changed, in {len(tried)} looks")
        return
    failed = [f"at {sight.second:.0f} s: {sight.failed}" for sight in tried if sight.failed]
    shown = [*failed[:3], *([f"and {len(failed) - 3} more"] if len(failed) > 3 else [])]
    said = "; ".join(f"{target} {before} to {after} at {second:.0f} s" for second, target, before, after in changes)
    yield Answer(subject, *judged(shown, f"{len(failed)} of {len(tried)} failed; {said}"))


def registrations(sights: Sequence[Sight]) -> Iterator[tuple[str, float, bool]]:
    """For how long, in seconds, each target was seen as new, and whether it then became something else.

    It is new until its first checks are through; one that was new at first sight may have been so for longer.
    """
    since: dict[str, float] = {}
    for sight in sights:
        for target, state in sight.states.items():
            if state == "initial":
                since.setdefault(target, sight.second)
            elif target in since:
                yield target, sight.second - since.pop(target), True
    for target, second in since.items():
        yield target, sights[-1].second - second, False


def changes_of_health(sights: Sequence[Sight]) -> Iterator[tuple[float, str, str, str]]:
    """When a target that had been healthy went to another state, and when it was healthy again."""
    before: dict[str, str] = {}
    for sight in sights:
        for target, state in sight.states.items():
            known = before.get(target, state)
            if known != state and known != "initial":
                yield sight.second, target, known, state
            before[target] = state


def connection_to(host: str) -> Callable[[], str]:
    """Opens a connection to the API, as far as TLS, closes it, and returns why that failed, if it did.

    It sends no request and no credential.
    """
    context = ssl.create_default_context()
    # Who answers is not the question, and nothing is said to it.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE

    def connect() -> str:
        try:
            with (
                socket.create_connection((host, API), timeout=_CONNECT_SECONDS) as connection,
                context.wrap_socket(connection, server_hostname=host),
            ):
                return ""
        except OSError as error:
            return str(error) or type(error).__name__

    return connect
