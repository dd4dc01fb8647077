"""The machines of a stack, by SSH, as root: the one way in which operations reach them.

`Machines.ask` is for what changes nothing on a machine, `Machines.run` for what may. Where somebody interrupts an
operation, what it had begun on a machine goes on there.
"""

from __future__ import annotations

import shlex
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, Final, Generic, TypeVar

from components.plan import LOGIN_USER, Plan
from operations.errors import NotAnswered, OperationFailed
from operations.remote.conversation import Ended, Show, converse
from operations.remote.outputs import NOT_UP

T = TypeVar("T")
_ASK_SECONDS: Final = 120
# What ssh ends with where it did not come to the command, or lost the connection.
_SSH_FAILED: Final = 255
_OPTIONS: Final = (
    "StrictHostKeyChecking=yes",
    "GlobalKnownHostsFile=/dev/null",
    "BatchMode=yes",
    "LogLevel=ERROR",
    "IdentitiesOnly=yes",
    "ConnectTimeout=20",
    # A connection that is dead is noticed within a minute.
    "ServerAliveInterval=15",
    "ServerAliveCountMax=4",
    # Else one that is there already would be used, with what it was opened with.
    "ControlPath=none",
    "ForwardAgent=no",
)
# What the node program ends with where it is called in a way that it does not know.
_USAGE: Final = 2


class NotReached(NotAnswered):
    """A machine can't be reached, or the connection broke: whether the command ran is not known."""


class CommandFailed(NotAnswered):
    """A command on a machine ended with another `status` than 0; the message has its last words."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def explained(failure: CommandFailed, name: str, step: str) -> OperationFailed:
    """`failure` of a step on the machine `name`, or what to do where its program is too old to know the step."""
    if failure.status != _USAGE:
        return failure
    return OperationFailed(f"{name} has an earlier release of the program, without `{step}`: run `pulumi up` first")


@dataclass(frozen=True)
class Outcomes(Generic[T]):
    """What came of the same work on several machines, by their names."""

    done: Mapping[str, T]
    failed: Mapping[str, OperationFailed]

    def all(self) -> Mapping[str, T]:
        """`done`, where nothing failed. Raises OperationFailed, which names every failure."""
        if self.failed:
            raise OperationFailed("; ".join(str(failure) for failure in self.failed.values()))
        return self.done


@contextmanager
def opened(plan: Plan, exported: Mapping[str, Any], show: Show = print) -> Iterator[Machines]:
    """The machines, while the block runs: then the key's copy is gone. `show` gets each line that `run` prints.

    `exported` is what the stack exports, with secrets. Raises NotAnswered where the stack is not up.
    """
    if not exported.get("machines") or not exported.get("sshPrivateKey"):
        raise NotAnswered(NOT_UP)
    with _ended_by_signals(), tempfile.TemporaryDirectory(prefix="quorate-") as folder:
        key, known = Path(folder) / "key", Path(folder) / "known"
        key.touch(mode=0o600)
        key.write_text(exported["sshPrivateKey"])
        known.write_text(exported["sshKnownHosts"])
        machines = Machines(plan, exported["machines"], key, known, show)
        try:
            yield machines
        finally:
            machines.hang_up()


@dataclass(frozen=True)
class Machines:
    """Machines by their names in the plan. Made by `opened`; `addresses` are those that SSH goes to."""

    plan: Plan
    addresses: Mapping[str, str]
    key: Path
    known_hosts: Path
    show: Show
    _running: set[subprocess.Popen[bytes]] = field(default_factory=set)
    _turn: threading.Lock = field(default_factory=threading.Lock)
    _over: threading.Event = field(default_factory=threading.Event)

    def ask(self, name: str, argv: Sequence[str], stdin: bytes = b"", seconds: float = _ASK_SECONDS) -> str:
        """What a command prints that changes nothing. Raises NotReached or CommandFailed."""
        return self._said(name, argv, stdin, seconds, lambda line: None)

    def run(self, name: str, argv: Sequence[str], stdin: bytes = b"", seconds: float | None = None) -> str:
        """What a command prints that may change the machine; each line is shown when it comes, as `NAME: line`.

        Secrets go into `stdin`: command lines are public on a machine. Raises NotReached or CommandFailed.
        """
        return self._said(name, argv, stdin, seconds, lambda line: self.show(f"{name}: {line}"))

    def on_all(self, names: Iterable[str], work: Callable[[str], T]) -> Outcomes[T]:
        """What `work` returns for each name, all at once. Ends when the last one has; a failure leaves others alone."""
        chosen = list(names)
        done: dict[str, T] = {}
        failed: dict[str, OperationFailed] = {}
        with ThreadPoolExecutor(max(1, len(chosen))) as pool:
            try:
                for name, future in [(name, pool.submit(work, name)) for name in chosen]:
                    try:
                        done[name] = future.result()
                    except OperationFailed as failure:
                        failed[name] = failure
            except BaseException:
                # Else the pool waits for them.
                self.hang_up()
                raise
        return Outcomes(done, failed)

    def hang_up(self) -> None:
        """Ends the connections that are open, for good: one that only just opens ends, too."""
        with self._turn:
            self._over.set()
            for process in self._running:
                process.terminate()

    def command(self, name: str, argv: Sequence[str]) -> Sequence[str]:
        """The local command that runs `argv` on a machine. Raises NotAnswered where the stack has no such machine."""
        if name not in self.addresses:
            there = ", ".join(sorted(self.addresses))
            raise NotAnswered(f"the stack has no machine {name} (it has {there}): run `pulumi up`, which makes it")
        options = [f"-o{option}" for option in (*_OPTIONS, f'UserKnownHostsFile="{self.known_hosts}"')]
        login = ["-i", str(self.key), *options]
        way = list(login)
        if self._bastion:
            way.append(f"-oProxyCommand={shlex.join(['ssh', *login, '-W', '%h:%p', _at(self._bastion)])}")
        return ["ssh", *way, _at(self.addresses[name]), shlex.join(["sudo", "-n", "--", *argv])]

    @property
    def _bastion(self) -> str:
        return self.addresses.get(self.plan.bastion.name, "") if self.plan.bastion else ""

    def _said(self, name: str, argv: Sequence[str], stdin: bytes, seconds: float | None, show: Show) -> str:
        ended = converse(self.command(name, argv), stdin, seconds, show, self._starts, self._ends)
        if ended.status == 0:
            return ended.printed
        raise self._failure(name, argv, ended)

    def _failure(self, name: str, argv: Sequence[str], ended: Ended) -> NotAnswered:
        words = " / ".join(ended.last_words) or "it said nothing"
        if ended.status is None:
            return NotReached(f"{name}: `{_shown(argv)}` did not end in time; its last words: {words}")
        if ended.status == _SSH_FAILED:
            way = f", through the bastion {self._bastion}" if self._bastion else ""
            return NotReached(
                f"{name} ({self.addresses[name]}{way}) can't be reached by SSH: {words}. See that it runs, and that "
                "access.sshCidrs has the address that you come from"
            )
        return CommandFailed(f"{name}: `{_shown(argv)}` ended with {ended.status}: {words}", ended.status)

    def _starts(self, process: subprocess.Popen[bytes]) -> None:
        with self._turn:
            self._running.add(process)
            if self._over.is_set():
                process.terminate()

    def _ends(self, process: subprocess.Popen[bytes]) -> None:
        with self._turn:
            self._running.discard(process)


def _at(address: str) -> str:
    return f"{LOGIN_USER}@{address}"


def _shown(argv: Sequence[str]) -> str:
    return " ".join([argv[0].rpartition("/")[2], *argv[1:3]])


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP end the block as an exception does, so that what must go goes."""

    def end(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
