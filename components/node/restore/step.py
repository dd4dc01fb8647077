"""restore ACTION: one action of a restore on this machine, as `python -m operations restore` calls them in their order.

Each may run again. What it needs is JSON on standard input, as the snapshot's URL is a secret; what it found is JSON,
the last line of its output.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, Final

from components.node.common import log
from components.node.common.failure import Failure
from components.node.common.machine_lock import machine_lock
from components.node.common.step import run_step, usage
from components.node.etcd.snapshot.comparison import held_by_members
from components.node.etcd.snapshot.take import STEP as TAKE_SNAPSHOT
from components.node.etcd.snapshot.trial import revision_in
from components.node.restore.data import NewMember
from components.node.restore.evidence import evidence
from components.node.restore.nodes import bring_nodes_back, keep_nodes
from components.node.restore.record import Record, read_record, record_of, remove_record, write_record
from components.node.restore.source import database_before, source_of
from components.node.restore.this_machine import Machine, this_machine

_STEP = "restore"
# Steps that would be disturbed, or disturb: none of them may be at work when a restore begins.
_OTHERS: Final = ("configure-etcd-member", "configure-control-plane", "defragment-etcd", TAKE_SNAPSHOT)
_OTHERS_SECONDS = 60
_LOOKS: Final = ("set-aside", "held")

Given = Mapping[str, Any]
Action = Callable[[Machine, Given], Given | None]


def main(arguments: Sequence[str]) -> int:
    if len(arguments) != 1 or arguments[0] not in ACTIONS:
        return usage(f"usage: quorate-node {_STEP} ACTION; an ACTION is one of: {', '.join(ACTIONS)}")
    (action,) = arguments
    # Evidence waits: an action that goes on from an interrupted call may be about to change it.
    turn = None if action in _LOOKS else machine_lock(_STEP, 1800)
    return run_step(_STEP, lambda: act(action, this_machine(), sys.stdin.read()), within=turn)


def act(action: str, machine: Machine, text: str) -> None:
    """Does it, and prints what came of it."""
    try:
        given = json.loads(text or "{}")
    except ValueError:
        # Not the text: it may have a secret.
        raise Failure("what came on standard input is no JSON") from None
    if found := ACTIONS[action](machine, given):
        print(json.dumps(found), flush=True)


def begin(machine: Machine, given: Given) -> None:
    """From here on, no other step acts on this machine."""
    wanted = _wanted(given)
    found = read_record(machine.record)
    if found and found.id not in (wanted.id, wanted.replaces):
        raise Failure(f"another restore, of snapshot {found.snapshot}, is under way since {found.begun}: finish that")
    with ExitStack() as stack:
        for step in _OTHERS:
            stack.enter_context(machine_lock(step, _OTHERS_SECONDS))
        if machine.is_control_plane and found is None:
            keep_nodes(machine.api_server, machine.kept_nodes)
        write_record(wanted, machine.record)


def prepare(machine: Machine, given: Given) -> None:
    """Restores the snapshot beside the data; etcd serves on."""
    record = _under_way(machine, given)
    data = machine.data(record.id)
    member = NewMember(machine.name, given["members"], given["token"], record.bump)
    source = source_of(given["source"], machine.disk)
    if data.is_prepared:
        log.report("the snapshot is restored beside the data already")
        return
    with machine.programs() as programs:
        data.prepare(member, source.fetch, programs, source.options)


def stop_api(machine: Machine, given: Given) -> None:
    _under_way(machine, given)
    machine.stop_api()


def take_data(machine: Machine, given: Given) -> None:
    """Stops the member, and puts the restored data in the place of the old."""
    data = machine.data(_under_way(machine, given).id)
    if data.before.exists() and not data.restored.exists() and data.data.exists():
        log.report("the restored data is in place already")
        return
    machine.stop_member()
    data.take()


def put_data_back(machine: Machine, given: Given) -> Given:
    """Stops the member, and puts the data of before in its place."""
    data = machine.data(_under_way(machine, given).id)
    machine.stop_member()
    return {"hasData": data.put_back()}


def start_member(machine: Machine, given: Given) -> None:
    _under_way(machine, given)
    machine.start_member()


def wait_for_member(machine: Machine, given: Given) -> Given:
    """What the member says of itself once it serves."""
    _under_way(machine, given)
    machine.wait_for_member()
    assert machine.client
    status = machine.client.status(machine.client.endpoints[0])
    return {"member": f"{status.member:x}", "revision": status.revision}


def held(machine: Machine, given: Given) -> Given:
    """What the member holds, as of a revision."""
    assert machine.client
    (own,) = held_by_members(machine.client, int(given["revision"]))
    return {"hash": own.digest.hash, "compacted": own.digest.compacted, "keys": own.keys}


def set_aside(machine: Machine, given: Given) -> Given:
    """How far the data came that a restore has set aside, by its id.

    Members are compared by hash when they serve what was made of it, before any API server does.
    """
    with machine.programs() as programs:
        return {"revision": revision_in(programs, database_before(str(given["setAsideBy"]), machine.disk))}


def start_api_server(machine: Machine, given: Given) -> None:
    """Returns when it is ready. From here on, clients have seen the restored data."""
    record = _under_way(machine, given)
    write_record(dataclasses.replace(record, serves=not record.undo), machine.record)
    machine.start_api_server()


def bring_back_nodes(machine: Machine, given: Given) -> None:
    """Before kubelets start again, who would register a control plane's Node without its labels and taints."""
    _under_way(machine, given)
    bring_nodes_back(machine.api_server, machine.kept_nodes)


def start_controllers(machine: Machine, given: Given) -> None:
    _under_way(machine, given)
    machine.start_controllers()


def end(machine: Machine, given: Given) -> None:
    """Removes the record, and what was made on the way; what was set aside stays."""
    wanted = _wanted(given)
    if machine.holds_member:
        for id in filter(None, (wanted.id, wanted.replaces)):
            machine.data(id).clear()
    remove_record(machine.record)


def _wanted(given: Given) -> Record:
    try:
        return record_of(given["record"])
    except (KeyError, AttributeError, ValueError) as error:
        raise Failure(f"what came on standard input names no restore: {error}") from None


def _under_way(machine: Machine, given: Given) -> Record:
    """The restore that is under way here. Raises Failure unless it is the one that is meant."""
    wanted, found = _wanted(given), read_record(machine.record)
    if found is None or (found.id, found.undo) != (wanted.id, wanted.undo):
        raise Failure("this restore has not begun on this machine: call `python -m operations restore` again")
    return found


ACTIONS: Final[Mapping[str, Action]] = {
    "evidence": lambda machine, given: evidence(machine),
    "begin": begin,
    "prepare": prepare,
    "stop-api": stop_api,
    "take-data": take_data,
    "put-data-back": put_data_back,
    "start-member": start_member,
    "wait-for-member": wait_for_member,
    "held": held,
    "set-aside": set_aside,
    "start-api-server": start_api_server,
    "bring-nodes-back": bring_back_nodes,
    "start-controllers": start_controllers,
    "end": end,
}
