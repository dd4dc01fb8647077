"""The one process that supervises the sandbox: the account's API, the region, and what machines download."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import IO

from sandbox.cloud.addresses import INTERNET_ADDRESS, NAMESPACE, RESOLVER_ADDRESS, STORAGE_ADDRESS
from sandbox.cloud.api.proxy import EndpointProxy, is_aws_host
from sandbox.cloud.api.server import Api
from sandbox.cloud.api.tls_front import TlsFront
from sandbox.cloud.drills import Drills
from sandbox.cloud.handshakes import Handshakes
from sandbox.cloud.namespace import listening_socket
from sandbox.cloud.region import Region
from sandbox.control import ControlService
from sandbox.image.resolver import files_that_ask
from sandbox.image.trust import files_that_trust
from sandbox.internet.image_store import store_of
from sandbox.internet.site import serve
from sandbox.paths import state_dir
from sandbox.signals import wait_to_be_ended
from sandbox.status import Status, control_socket, lock_file, status_file

_LOOPBACK = "127.0.0.1"


def supervise(image: Path, site: Path) -> None:
    """Runs until SIGTERM or SIGINT. Machines go on without it; the next supervisor finds them."""
    lock = _take_lock()
    state = state_dir()
    say = _speaker()
    api = Api(state / "account")
    api.start()
    region = Region(
        api=api,
        state=state,
        image=image,
        image_store=store_of(site),
        internet_names=[path.name for path in site.iterdir() if path.is_dir()],
        files_for_machines=lambda tree: {
            **files_that_trust(tree, api.authority.certificate_pem),
            **files_that_ask(RESOLVER_ADDRESS),
        },
        say=say,
    )
    region.start()
    site_socket = socket.create_server((_LOOPBACK, 0), backlog=128)
    threading.Thread(target=serve, args=(site_socket, site, say), name="internet", daemon=True).start()
    site_address = (_LOOPBACK, site_socket.getsockname()[1])
    api_address = (_LOOPBACK, api.port)

    def route(host: str) -> tuple[str, int] | None:
        if is_aws_host(host):
            return api_address
        return site_address if (site / host).is_dir() else None

    fronts = [
        TlsFront(listening_socket(NAMESPACE, address, 443), api.authority, route, say, region.faults.is_silent)
        for address in (INTERNET_ADDRESS, STORAGE_ADDRESS)
    ]
    for front in fronts:
        front.start()
    proxy = EndpointProxy(
        _proxy_socket(state / "proxy-port"),
        api.authority,
        api_address,
        say,
        region.balancer_addresses,
        region.faults.is_silent,
    )
    proxy.start()
    drills = Drills(api, region.faults, Handshakes(), region.apply_faults, region.machines.state)
    control = ControlService(control_socket(), drills.handle)
    control.start()
    status = Status(os.getpid(), f"http://{_LOOPBACK}:{proxy.port}", str(api.authority.certificate_path))
    _write(status_file(), json.dumps(asdict(status)))
    say(f"ready: operator's proxy at {status.proxy}")
    wait_to_be_ended()
    say("stopping; machines keep running")
    for stop in (control.stop, proxy.stop, *(front.stop for front in fronts), region.stop, api.stop):
        stop()
    status_file().unlink(missing_ok=True)
    lock.close()


def _take_lock() -> IO[str]:
    lock_file().parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = lock_file().open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit("a supervisor runs already; `python -m sandbox status` shows it")
    return lock


def _speaker() -> Callable[[str], None]:
    def say(line: str) -> None:
        print(f"{time.strftime('%H:%M:%S')} {line}", flush=True)

    return say


def _proxy_socket(kept: Path) -> socket.socket:
    """On the port of the last supervisor where there was one: shells and stacks remember the proxy's address."""
    opened = socket.create_server((_LOOPBACK, int(kept.read_text()) if kept.exists() else 0), backlog=128)
    kept.write_text(str(opened.getsockname()[1]))
    return opened


def _write(path: Path, text: str) -> None:
    partial = path.with_suffix(".partial")
    partial.write_text(text)
    partial.rename(path)


if __name__ == "__main__":
    supervise(Path(sys.argv[1]), Path(sys.argv[2]))
