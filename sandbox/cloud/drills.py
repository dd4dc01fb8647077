"""Faults made on request, of machines, zones, load balancers and AWS's services, and their healing."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from sandbox.cloud.api.view import CloudView, InstanceView
from sandbox.cloud.balancer.findings import SLOW_CHANGE_SECONDS, SLOW_REGISTRATION_SECONDS
from sandbox.cloud.faults import (
    FAILING_CHECKS,
    LATE_PROFILE_SECONDS,
    LATE_PROFILES,
    PARAMETER_STORE,
    SLOW_BALANCERS,
    Faults,
)
from sandbox.cloud.handshakes import Handshakes
from sandbox.cloud.projection import PRESENT_STATES
from sandbox.cloud.wiring import link_name
from sandbox.errors import SandboxError

if TYPE_CHECKING:
    from sandbox.cloud.api.server import Api  # takes seconds to load, and the command line reads the faults' names

MACHINE_FAULTS = {
    "stop": "shut it down in good order, as StopInstances does; `heal` starts it",
    "kill": "its hardware fails: it is off at once and stays off until it is healed, or replaced by its group",
    "terminate": "end it for good, as TerminateInstances does",
    "cut": "drop every packet from and to it, silently",
    "fail-handshake": "its next SSH connection is reset before sshd's banner, and those after that are served",
    "heal": "undo stop, kill, cut and fail-handshake",
}
ZONE_FAULTS = {
    "cut-zone": "drop every packet between the zone and everything else, silently",
    "close-zone": "AWS calls it unavailable and makes no subnet in it; what is there goes on",
    "lack-type": "the zone does not offer an instance type, and launches nothing of it: `lack-type b=m7i.large`",
    "heal-zone": "undo cut-zone, close-zone and lack-type; to a cluster made meanwhile, a zone that was closed is one "
    "that has just appeared",
}
BALANCER_FAULTS = {
    "slow-balancer": f"load balancers act as late as AWS's: {SLOW_CHANGE_SECONDS} s after a change of health is shown, "
    f"and {SLOW_REGISTRATION_SECONDS} s after a registration",
    "fail-checks": "every health check of the load balancers fails, so they send to all targets",
    "heal-balancer": "undo slow-balancer and fail-checks",
}
SERVICE_FAULTS = {
    "late-profiles": f"EC2 and Auto Scaling do not know an instance profile until {LATE_PROFILE_SECONDS} s after it "
    "and its role were made",
    "heal-profiles": "undo late-profiles",
    "silence-parameters": "requests to the parameter store get no answer, as behind dropped packets",
    "heal-parameters": "undo silence-parameters",
}
NAMELESS_FAULTS = BALANCER_FAULTS | SERVICE_FAULTS
"""Of all load balancers or of the whole region: they take no name."""
FAULTS = MACHINE_FAULTS | ZONE_FAULTS | NAMELESS_FAULTS
_SAID = {
    SLOW_BALANCERS: "load balancers are slow",
    FAILING_CHECKS: "every health check of the load balancers fails",
    LATE_PROFILES: "EC2 learns late of instance profiles",
    PARAMETER_STORE: "the parameter store is silent",
}
_DEADLINE_SECONDS = 60


class Drills:
    """`apply` makes the region be as `faults` says; `machine_state` is the state of a machine on the host."""

    def __init__(
        self,
        account: Api,
        faults: Faults,
        handshakes: Handshakes,
        apply: Callable[[], None],
        machine_state: Callable[[str], str],
    ) -> None:
        self._account = account
        self._faults = faults
        self._handshakes = handshakes
        self._apply = apply
        self._machine_state = machine_state

    def handle(self, request: Mapping[str, str]) -> str:
        """Carries out `{"fault": …, "name": …}`; an empty request tells what is broken now. Raises SandboxError."""
        fault, name = request.get("fault", ""), request.get("name", "")
        if not fault:
            return "\n".join(self.active())
        if fault in NAMELESS_FAULTS:
            if name:
                whole = "all load balancers" if fault in BALANCER_FAULTS else "the whole region"
                raise SandboxError(f"{fault} is about {whole} and takes no name, and {name!r} was given")
            return self._balancers(fault) if fault in BALANCER_FAULTS else self._service(fault)
        if fault == "lack-type":
            return self._lack_type(name)
        if not name and fault in MACHINE_FAULTS | ZONE_FAULTS:
            raise SandboxError(f"{fault} needs the name of a {'zone' if fault in ZONE_FAULTS else 'machine'}")
        if fault in ZONE_FAULTS:
            return self._zone(fault, self._zone_named(name))
        if fault in MACHINE_FAULTS:
            instance = machine_named(self._account.view(), name)
            said: str = getattr(self, f"_{fault.replace('-', '_')}")(instance)
            return said
        raise SandboxError(f"no fault is called {fault!r}; faults: {', '.join(FAULTS)}")

    def active(self) -> list[str]:
        """A line for each fault that holds now."""
        instances = [i for i in self._account.view().instances if i.state in PRESENT_STATES]
        lines = [f"zone {zone} is cut off" for zone in sorted(self._faults.zones)]
        lines += [f"zone {zone} is unavailable" for zone in self._account.closed_zones()]
        lines += [f"zone {zone} lacks {name}" for zone, name in self._account.lacking_types()]
        lines += [f"{_called(i)} is cut off" for i in instances if i.id in self._faults.machines]
        lines += [f"{_called(i)} has failed hardware" for i in instances if i.impaired]
        lines += [f"{_called(i)} is stopped" for i in instances if i.state == "stopped"]
        failing = self._handshakes.failing()
        lines += [f"the next SSH handshake of {_called(i)} fails" for i in instances if link_name(i.id) in failing]
        late = {LATE_PROFILES} if self._account.profiles_are_late() else set()
        hold = self._faults.balancers | self._faults.services | late
        return lines + [said for fault, said in _SAID.items() if fault in hold]

    def _stop(self, instance: InstanceView) -> str:
        self._account.stop_instance(instance.id)
        self._wait(instance, lambda found: found is not None and found.state == "stopped", "stopped")
        return f"{_called(instance)} is stopped"

    def _kill(self, instance: InstanceView) -> str:
        self._account.set_impaired(instance.id, True)
        self._wait(instance, lambda _: self._machine_state(instance.id) != "running", "off")
        return f"{_called(instance)} is off: its hardware has failed"

    def _terminate(self, instance: InstanceView) -> str:
        self._account.terminate_instance(instance.id)
        self._wait(instance, lambda found: found is None, "terminated")
        return f"{_called(instance)} is terminated"

    def _cut(self, instance: InstanceView) -> str:
        self._faults.cut_machine(instance.id, True)
        self._apply()
        return f"{_called(instance)} is cut off"

    def _fail_handshake(self, instance: InstanceView) -> str:
        self._handshakes.fail(link_name(instance.id))
        return f"the next SSH handshake of {_called(instance)} fails"

    def _heal(self, instance: InstanceView) -> str:
        self._handshakes.heal(link_name(instance.id))
        self._faults.cut_machine(instance.id, False)
        self._apply()
        self._account.set_impaired(instance.id, False)
        if instance.state == "stopped":
            self._account.start_instance(instance.id)
        self._wait(instance, lambda _: self._machine_state(instance.id) == "running", "running")
        return f"{_called(instance)} is healed"

    def _zone(self, fault: str, zone: str) -> str:
        if fault == "close-zone":
            self._account.set_zone_closed(zone, True)
            return f"zone {zone} is unavailable"
        self._faults.cut_zone(zone, fault == "cut-zone")
        if fault == "heal-zone":
            self._account.set_zone_closed(zone, False)
            self._account.have_all_types(zone)
        self._apply()
        return f"zone {zone} is {'cut off' if fault == 'cut-zone' else 'healed'}"

    def _lack_type(self, told: str) -> str:
        zone, _, machine_type = told.partition("=")
        if not zone or not machine_type:
            raise SandboxError(
                f"lack-type needs a zone and an instance type, as in `lack-type b=m7i.large`, and {told!r} was given"
            )
        zone = self._zone_named(zone)
        self._account.lack_type(zone, machine_type)
        return f"zone {zone} lacks {machine_type}"

    def _service(self, fault: str) -> str:
        if fault.endswith("-profiles"):
            self._account.set_profiles_late(fault == "late-profiles")
        else:
            self._faults.silence(PARAMETER_STORE, fault == "silence-parameters")
        return {
            "late-profiles": _SAID[LATE_PROFILES],
            "heal-profiles": "EC2 knows instance profiles at once",
            "silence-parameters": _SAID[PARAMETER_STORE],
            "heal-parameters": "the parameter store answers",
        }[fault]

    def _balancers(self, fault: str) -> str:
        held = {"slow-balancer": SLOW_BALANCERS, "fail-checks": FAILING_CHECKS}.get(fault, "")
        self._faults.ail_balancers(held)
        self._apply()
        return _SAID.get(held, "load balancers are healed")

    def _zone_named(self, name: str) -> str:
        zones = self._account.zone_names()
        found = next((zone for zone in zones if name in (zone, zone.removeprefix(self._account.region))), None)
        if found is None:
            raise SandboxError(f"no zone is called {name!r}; zones: {', '.join(zones)}")
        return found

    def _wait(self, instance: InstanceView, reached: Callable[[InstanceView | None], bool], wanted: str) -> None:
        deadline = time.monotonic() + _DEADLINE_SECONDS
        while not reached(found := _by_id(self._account.view(), instance.id)):
            if time.monotonic() > deadline:
                state = f"{found.state} in the account" if found else "gone from the account"
                raise SandboxError(
                    f"after {_DEADLINE_SECONDS} s {_called(instance)} is not {wanted}: it is {state}, and "
                    f"{self._machine_state(instance.id)} on the host; see `python -m sandbox logs`"
                )
            time.sleep(0.1)


def machine_named(view: CloudView, name: str) -> InstanceView:
    """The machine with this instance id, Name tag, address, or node name that ends with its id. Raises SandboxError."""
    present = [i for i in view.instances if i.state in PRESENT_STATES]
    found = [
        i for i in present if name in (i.id, i.tags.get("Name"), i.private_ip, i.public_ip) or name.endswith("-" + i.id)
    ]
    if len(found) == 1:
        return found[0]
    if not found:
        raise SandboxError(f"no machine is called {name!r}; machines: {', '.join(map(_called, present)) or 'none'}")
    raise SandboxError(f"{len(found)} machines are called {name!r}; say which: {', '.join(i.id for i in found)}")


def _by_id(view: CloudView, instance_id: str) -> InstanceView | None:
    return next((i for i in view.instances if i.id == instance_id), None)


def _called(instance: InstanceView) -> str:
    name = instance.tags.get("Name")
    return f"{name} ({instance.id})" if name else instance.id
