"""AWS's API in this process: moto, patched, seeded, guarded, saved."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from moto.core.exceptions import ServiceException
from moto.ec2.models import ec2_backends
from moto.elbv2.models import elbv2_backends
from werkzeug.serving import BaseWSGIServer, make_server

from sandbox.cloud.api import patches, persistence, seeds
from sandbox.cloud.api.certificates import CertificateAuthority
from sandbox.cloud.api.credentials import Credentials
from sandbox.cloud.api.guard import Guard
from sandbox.cloud.api.patches import closed_zones, instance_lifecycle, instance_profiles, lacking_types, target_health
from sandbox.cloud.api.snapshot import snapshot
from sandbox.cloud.api.view import CloudView
from sandbox.cloud.scaling import groups
from sandbox.errors import SandboxError

ACCOUNT = "123456789012"
REGION = "eu-central-1"
_SAVE_DELAY_SECONDS = 0.05
_MOST_SAVE_SECONDS = 10.0
_CLOCK_SECONDS = 1.0
_MOST_STEPS = 100

_log = logging.getLogger(__name__)


class AccountRefused(SandboxError):
    """The account does not allow it; the message holds AWS's code and text."""


class Api:
    """The account in folder `state`: saved after every change, loaded where it was saved."""

    account = ACCOUNT
    region = REGION

    def __init__(self, state: Path, *, answers_when_saved: bool = True) -> None:
        """Without `answers_when_saved`, an answer may be quicker than the save of what it tells."""
        os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"  # thousands of images that no program here asks for
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._state = state
        self._listeners: list[Callable[[], None]] = []
        self._save_wanted = threading.Event()
        self._answers_when_saved = answers_when_saved
        self._saved = threading.Condition()
        self._saved_changes = 0
        self._stopping = threading.Event()
        self._server: BaseWSGIServer | None = None
        # Held by whoever changes the account, and by whoever reads it.
        self._whole = threading.RLock()
        self._changes = 0
        self._view: tuple[int, CloudView] | None = None
        self.authority = CertificateAuthority(state / "ca")
        self._credentials = Credentials(ACCOUNT, state / "credentials.key")
        self._saver = threading.Thread(target=self._save_when_wanted, name="api-saver", daemon=True)
        self._clock = threading.Thread(target=self._follow_time, name="api-clock", daemon=True)

    @property
    def port(self) -> int:
        if self._server is None:
            raise RuntimeError("the API is not started")
        return int(self._server.server_port)

    def start(self) -> None:
        """Loads the account and serves it on a free loopback port."""
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app

        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        patches.apply(REGION)
        persistence.load(self._state / "account.dill")
        seeds.plant(ACCOUNT, REGION)
        guard = Guard(
            DomainDispatcherApplication(create_backend_app),
            self._credentials,
            ACCOUNT,
            self._state / "requests.log",
            self._whole,
            self._changed_by_request if self._answers_when_saved else self._changed,
        )
        self._server = make_server("127.0.0.1", 0, guard, threaded=True, request_handler=MotoRequestHandler)
        threading.Thread(target=self._server.serve_forever, name="api", daemon=True).start()
        self._saver.start()
        self._clock.start()

    def stop(self) -> None:
        """Ends the service; the account is saved."""
        self._stopping.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._save_wanted.set()
            self._saver.join()
            self._save()

    def view(self) -> CloudView:
        """The account as it is now."""
        known = self._view
        if known is not None and known[0] == self._changes:
            return known[1]
        with self._whole:
            number = self._changes
            view = snapshot(ACCOUNT, REGION)
        self._view = (number, view)
        return view

    def on_change(self, callback: Callable[[], None]) -> None:
        """`callback` is called after each request that may have changed something; it must be quick."""
        self._listeners.append(callback)

    def finish(self, instance_id: str, state: str) -> None:
        """The machine of an instance that is in an in-between state (`pending`, `stopping`, …) has got through it.

        Nothing where the instance is in another state by now.
        """
        with self._whole:
            instance = ec2_backends[ACCOUNT][REGION].get_instance(instance_id)
            if instance.state == state:
                instance_lifecycle.finish(instance)
        self._changed()

    def zone_names(self) -> list[str]:
        return [zone.name for zone in ec2_backends[ACCOUNT][REGION].describe_availability_zones()]

    def closed_zones(self) -> list[str]:
        """The zones that AWS does not call available."""
        with self._whole:
            return closed_zones.closed(ec2_backends[ACCOUNT][REGION])

    def set_zone_closed(self, name: str, closed: bool) -> None:
        self._act(lambda ec2: closed_zones.set_state(ec2, name, "unavailable" if closed else "available"))

    def lacking_types(self) -> list[tuple[str, str]]:
        """Zones, and the instance types that they lack by `lack_type`."""
        with self._whole:
            return sorted(lacking_types.lacking(ec2_backends[ACCOUNT][REGION]))

    def lack_type(self, zone: str, name: str) -> None:
        """The zone does not offer the instance type until `have_all_types`. Raises AccountRefused."""
        self._act(lambda ec2: lacking_types.lack(ec2, zone, name))

    def have_all_types(self, zone: str) -> None:
        self._act(lambda ec2: lacking_types.have_all(ec2, zone))

    def profiles_are_late(self) -> bool:
        """Whether EC2 learns late of instance profiles."""
        with self._whole:
            return instance_profiles.are_late(ec2_backends[ACCOUNT][REGION])

    def set_profiles_late(self, late: bool) -> None:
        self._act(lambda ec2: instance_profiles.set_late(ec2, late))

    def stop_instance(self, instance_id: str) -> None:
        """As StopInstances. Raises AccountRefused."""
        self._act(lambda ec2: ec2.stop_instances([instance_id]))

    def start_instance(self, instance_id: str) -> None:
        """As StartInstances. Raises AccountRefused."""
        self._act(lambda ec2: ec2.start_instances([instance_id]))

    def terminate_instance(self, instance_id: str) -> None:
        """As TerminateInstances. Raises AccountRefused."""
        self._act(lambda ec2: ec2.terminate_instances([instance_id]))

    def set_impaired(self, instance_id: str, impaired: bool) -> None:
        """Whether the hardware under the instance has failed: it is off then, and status checks say so."""
        self._act(lambda ec2: setattr(ec2.get_instance(instance_id), "impaired", impaired))

    def report_target_health(self, health: target_health.Reported) -> None:
        """What the load balancers' health checks see now; it is read, never saved."""
        with self._whole:
            target_health.report(health)

    def _act(self, action: Callable[[Any], object]) -> None:
        try:
            with self._whole:
                action(ec2_backends[ACCOUNT][REGION])
        except ServiceException as refusal:
            raise AccountRefused(f"{refusal.code}: {refusal.message}") from None
        self._changed()

    def role_credentials(self, role: str, instance_id: str) -> Mapping[str, str]:
        """Temporary credentials of a role, as instance metadata shows them."""
        return self._credentials.issue(role, instance_id)

    def _changed_by_request(self) -> None:
        """Returns when the change is saved: what AWS has answered, it still knows after its worst day."""
        self._changed()
        number = self._changes
        with self._saved:
            self._saved.wait_for(lambda: self._saved_changes >= number, _MOST_SAVE_SECONDS)

    def _changed(self) -> None:
        with self._whole:
            self._settle()
            self._changes += 1
        self._save_wanted.set()
        for listener in self._listeners:
            listener()

    def _settle(self) -> None:
        """Groups follow what has changed, until nothing more follows from it."""
        for _ in range(_MOST_STEPS):
            if not self._listeners:
                # Nobody runs machines: instances change state at once.
                for instance in ec2_backends[ACCOUNT][REGION].all_instances():
                    instance_lifecycle.finish(instance)
            if not groups.advance(ACCOUNT, REGION):
                return
        _log.error("the account's Auto Scaling groups do not come to rest after a change")

    def _follow_time(self) -> None:
        """Grace periods, warm-ups and the waits of hooks end without a request."""
        while not self._stopping.wait(_CLOCK_SECONDS):
            with self._whole:
                changed = groups.advance(ACCOUNT, REGION) | target_health.forget_gone(elbv2_backends[ACCOUNT][REGION])
            if changed:
                self._changed()

    def _save_when_wanted(self) -> None:
        while not self._stopping.is_set():
            self._save_wanted.wait()
            # One save for a burst of changes.
            self._stopping.wait(_SAVE_DELAY_SECONDS)
            self._save_wanted.clear()
            if not self._stopping.is_set():
                self._save()

    def _save(self) -> None:
        number = self._changes
        try:
            with self._whole:
                number = self._changes
                account = persistence.capture()
            persistence.save(self._state / "account.dill", account)
        except Exception:
            # The account goes on without its file: said loudly, tried again after the next change.
            _log.exception("the account could not be saved in %s", self._state)
        with self._saved:
            self._saved_changes = number
            self._saved.notify_all()
