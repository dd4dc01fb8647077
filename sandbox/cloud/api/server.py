"""AWS's API in this process: moto, patched, seeded, guarded, saved."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from moto.ec2.models import ec2_backends
from werkzeug.serving import BaseWSGIServer, make_server

from sandbox.cloud.api import patches, persistence, seeds
from sandbox.cloud.api.certificates import CertificateAuthority
from sandbox.cloud.api.credentials import Credentials
from sandbox.cloud.api.guard import Guard
from sandbox.cloud.api.patches import instance_lifecycle
from sandbox.cloud.api.snapshot import snapshot
from sandbox.cloud.api.view import CloudView

ACCOUNT = "123456789012"
REGION = "eu-central-1"
_SAVE_DELAY_SECONDS = 0.1

_log = logging.getLogger(__name__)


class Api:
    """The account in folder `state`: saved after every change, loaded where it was saved."""

    account = ACCOUNT
    region = REGION

    def __init__(self, state: Path) -> None:
        os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"  # thousands of images that no program here asks for
        os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._state = state
        self._listeners: list[Callable[[], None]] = []
        self._save_wanted = threading.Event()
        self._stopping = threading.Event()
        self._server: BaseWSGIServer | None = None
        # Held by whoever changes the account, and by whoever reads it.
        self._whole = threading.RLock()
        self._changes = 0
        self._view: tuple[int, CloudView] | None = None
        self.authority = CertificateAuthority(state / "ca")
        self._credentials = Credentials(ACCOUNT, state / "credentials.key")
        self._saver = threading.Thread(target=self._save_when_wanted, name="api-saver", daemon=True)

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
            self._changed,
        )
        self._server = make_server("127.0.0.1", 0, guard, threaded=True, request_handler=MotoRequestHandler)
        threading.Thread(target=self._server.serve_forever, name="api", daemon=True).start()
        self._saver.start()

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

    def mark_running(self, instance_id: str) -> None:
        """The machine of a pending instance has started."""
        self._finish(instance_id, "pending")

    def mark_stopped(self, instance_id: str) -> None:
        """The machine of a stopping instance has stopped."""
        self._finish(instance_id, "stopping")

    def mark_terminated(self, instance_id: str) -> None:
        """The machine of an instance that shuts down is gone: its addresses and disks are free."""
        self._finish(instance_id, "shutting-down")

    def role_credentials(self, role: str, instance_id: str) -> Mapping[str, str]:
        """Temporary credentials of a role, as instance metadata shows them."""
        return self._credentials.issue(role, instance_id)

    def _finish(self, instance_id: str, state: str) -> None:
        with self._whole:
            instance = ec2_backends[ACCOUNT][REGION].get_instance(instance_id)
            if instance.state == state:
                instance_lifecycle.finish(instance)
        self._changed()

    def _changed(self) -> None:
        with self._whole:
            if not self._listeners:
                # Nobody runs machines: instances change state at once.
                for instance in ec2_backends[ACCOUNT][REGION].all_instances():
                    instance_lifecycle.finish(instance)
            self._changes += 1
        self._save_wanted.set()
        for listener in self._listeners:
            listener()

    def _save_when_wanted(self) -> None:
        while not self._stopping.is_set():
            self._save_wanted.wait()
            # One save for a burst of changes: what a kill can lose is this much and the time of a save.
            self._stopping.wait(_SAVE_DELAY_SECONDS)
            self._save_wanted.clear()
            if not self._stopping.is_set():
                self._save()

    def _save(self) -> None:
        try:
            with self._whole:
                account = persistence.capture()
            persistence.save(self._state / "account.dill", account)
        except Exception:
            # The account goes on without its file: said loudly, tried again after the next change.
            _log.exception("the account could not be saved in %s", self._state)
