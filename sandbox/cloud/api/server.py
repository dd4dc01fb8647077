"""AWS's API in this process: moto, patched, seeded, guarded, saved."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from werkzeug.serving import BaseWSGIServer, make_server

from sandbox.cloud.api import patches, persistence, seeds
from sandbox.cloud.api.certificates import CertificateAuthority
from sandbox.cloud.api.credentials import Credentials
from sandbox.cloud.api.guard import Guard
from sandbox.cloud.api.view import CloudView, snapshot

ACCOUNT = "123456789012"
REGION = "eu-central-1"


class Api:
    """The account in folder `state`: saved after every change, loaded where it was saved."""

    account = ACCOUNT
    region = REGION

    def __init__(self, state: Path) -> None:
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._state = state
        self._listeners: list[Callable[[], None]] = []
        self._save_wanted = threading.Event()
        self._stopping = False
        self._server: BaseWSGIServer | None = None
        self._view: CloudView | None = None
        self.authority = CertificateAuthority(state / "ca")
        self._credentials = Credentials(ACCOUNT, state / "credentials.key")

    @property
    def port(self) -> int:
        if self._server is None:
            raise RuntimeError("the API is not started")
        return int(self._server.server_port)

    def start(self) -> None:
        """Loads the account and serves it on a free loopback port."""
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app

        os.environ.setdefault("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        patches.apply(REGION)
        persistence.load(self._state / "account.dill")
        seeds.plant(ACCOUNT, REGION)
        guard = Guard(
            DomainDispatcherApplication(create_backend_app), self._credentials, self._state / "requests.log", self._changed
        )
        self._server = make_server("127.0.0.1", 0, guard, threaded=True, request_handler=MotoRequestHandler)
        threading.Thread(target=self._server.serve_forever, name="api", daemon=True).start()
        threading.Thread(target=self._save_when_wanted, name="api-saver", daemon=True).start()

    def stop(self) -> None:
        """Ends the service; the account is saved."""
        self._stopping = True
        if self._server is not None:
            self._server.shutdown()
        persistence.save(self._state / "account.dill")
        self._save_wanted.set()

    def view(self) -> CloudView:
        """The account as it is now."""
        view = self._view
        if view is None:
            self._view = view = snapshot(ACCOUNT, REGION)
        return view

    def on_change(self, callback: Callable[[], None]) -> None:
        """`callback` is called after each request that may have changed something; it must be quick."""
        self._listeners.append(callback)

    def mark_running(self, instance_id: str) -> None:
        self._set_state(instance_id, "running", 16)

    def mark_stopped(self, instance_id: str) -> None:
        self._set_state(instance_id, "stopped", 80)

    def mark_terminated(self, instance_id: str) -> None:
        self._set_state(instance_id, "terminated", 48)

    def role_credentials(self, role: str, instance_id: str) -> Mapping[str, str]:
        """Temporary credentials of a role, as instance metadata shows them."""
        return self._credentials.issue(role, instance_id)

    def _set_state(self, instance_id: str, name: str, code: int) -> None:
        from moto.ec2.models import ec2_backends

        state = ec2_backends[ACCOUNT][REGION].get_instance(instance_id)._state
        state.name, state.code = name, code
        self._changed()

    def _changed(self) -> None:
        self._view = None
        self._save_wanted.set()
        for listener in self._listeners:
            listener()

    def _save_when_wanted(self) -> None:
        while not self._stopping:
            self._save_wanted.wait()
            self._save_wanted.clear()
            if not self._stopping:
                persistence.save(self._state / "account.dill")


