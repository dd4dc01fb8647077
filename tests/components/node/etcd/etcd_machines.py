"""etcd machines on loopback: the node program with real etcd, and stand-ins for what only a machine of its own has."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from components.delivery.etcd_files import etcd_member_files
from components.plan import Plan, PlannedMachine, Role
from tests.components.education import SETTINGS
from tests.sandbox_cli import binary

ROOT = Path(__file__).parents[4]
DATA = "/var/lib/etcd/data"

# The step without what a machine of its own has: root, packages, a volume.
_STEP = """\
import dataclasses, sys
from pathlib import Path
from components.node.common import log
from components.node.common.failure import Failure
from components.node.etcd.configure import configure
from components.node.etcd.this_member import this_member

pki, disk = map(Path, sys.argv[1:])
member = dataclasses.replace(this_member(), pki=pki, disk=disk, election_seconds=10)
log.begin_log("configure-etcd-member")
try:
    configure(member)
except Failure as failure:
    log.report_failure(member.name, str(failure))
    sys.exit(1)
"""

_MAKE_ROOM = """\
import dataclasses, sys
from pathlib import Path
from components.node.common import log
from components.node.etcd.all_members import Members
from components.node.etcd.defragment import make_room
from components.node.etcd.this_member import this_member

member = dataclasses.replace(this_member(), pki=Path(sys.argv[1]))
log.begin_log("defragment-etcd")
make_room(Members(member.client(member.address, *member.peers), "etcd-restart", member.name))
"""

# systemd, as far as the program asks it: one service, which is started again when it ends by itself.
_SYSTEMCTL = """\
#!/usr/bin/env bash
running() { [[ -e $MACHINE/pid ]] && kill -0 "$(cat "$MACHINE/pid")" 2>/dev/null; }
begin() {
  set -o allexport; source "$QUORATE_ETC/etcd.env"; source "$QUORATE_ETC/etcd-membership.env"; set +o allexport
  echo started >>"$MACHINE/starts"
  echo 0 >"$MACHINE/restarts"
  setsid bash -c '
    while :; do
      etcd >>"$MACHINE/etcd.log" 2>&1 </dev/null &
      echo $! >"$MACHINE/etcd-pid"
      wait $!
      [[ -e $MACHINE/pid ]] || exit
      echo $(($(cat "$MACHINE/restarts") + 1)) >"$MACHINE/restarts"
      sleep 0.5
    done' </dev/null >/dev/null 2>&1 &
  echo $! >"$MACHINE/pid"
}
end() {
  kill -KILL "$(cat "$MACHINE/pid")"; kill "$(cat "$MACHINE/etcd-pid")"
  while kill -0 "$(cat "$MACHINE/etcd-pid")" 2>/dev/null; do sleep 0.1; done
}
case "$*" in
  *quorate-etcd-volume*|enable*|disable*) ;;
  is-active*) running && echo active || { echo inactive; exit 3; } ;;
  restart*)
    echo "down $MACHINE" >>"$MACHINE/../events"
    end
    begin
    source "$QUORATE_ETC/node.env"
    until curl --silent --fail --max-time 2 "http://$NODE_ADDRESS:2381/health"; do
      sleep 0.1
    done
    echo "up $MACHINE" >>"$MACHINE/../events"
    ;;
  start*etcd) running || begin ;;
  stop*etcd) running && end || true; rm --force "$MACHINE/pid" ;;
  show*) echo ActiveState=activating; echo "NRestarts=$(cat "$MACHINE/restarts")" ;;
  *) echo "systemctl $* is not played here" >&2; exit 1 ;;
esac
"""
_STAND_INS = {
    "systemctl": _SYSTEMCTL,
    "journalctl": '#!/bin/sh\ntail -n 300 "$MACHINE/etcd.log"\n',
    "install": '#!/bin/sh\nfor last; do :; done\nmkdir -p "$last"\n',
}


def openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


def make_authority(folder: Path) -> None:
    folder.mkdir()
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", "/CN=etcd-ca", "-keyout", str(folder / "ca.key"), "-out", str(folder / "ca.crt"))  # fmt: skip


@dataclass(frozen=True)
class _LoopbackPlan(Plan):
    """etcd's machines by name, at addresses of this host."""

    addresses: Mapping[str, str]

    @cached_property
    def etcd_machines(self) -> tuple[PlannedMachine, ...]:
        return tuple(
            PlannedMachine(name, Role.ETCD, 0, address, "t3.small", 8, 8, public=False)
            for name, address in self.addresses.items()
        )


@dataclass
class EtcdMachine:
    """A machine at a loopback address: `disk` outlives it, the rest goes with it."""

    name: str
    address: str
    folder: Path
    members: dict[str, str]

    @property
    def disk(self) -> Path:
        return self.folder / "disk"

    @property
    def environment(self) -> dict[str, str]:
        quiet = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        return {
            **quiet,
            "PATH": f"{self.folder}/bin:{binary('etcd', 'etcd').parent}:{os.environ['PATH']}",
            "MACHINE": str(self.folder),
            "QUORATE_ETC": str(self.folder / "etc"),
            "QUORATE_LOGS": str(self.folder / "logs"),
            "QUORATE_LOCKS": str(self.folder),
            "PYTHONPATH": str(ROOT),
        }

    def prepare(self, authority: Path) -> None:
        """What image, user data and the first remote command leave on a new machine."""
        for name in ("bin", "etc", "logs", "pki", "disk"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        for name, text in _STAND_INS.items():
            self._program(name, text)
        self._certificate(authority)
        self.deliver()

    def deliver(self, heartbeat_ms: int = 100, quota_mib: int = 2048) -> None:
        etcd = dataclasses.replace(SETTINGS.etcd, heartbeat_interval_ms=heartbeat_ms, quota_mib=quota_mib)
        settings = dataclasses.replace(SETTINGS, etcd=etcd)
        plan = _LoopbackPlan(settings, self.members)
        (own,) = [machine for machine in plan.etcd_machines if machine.name == self.name]
        files = {file.path: file.content for file in etcd_member_files(plan, own, "vol-1")}
        (self.folder / "etc" / "node.env").write_text(files["/etc/quorate/node.env"])
        text = files["/etc/quorate/etcd.env"].replace(DATA, str(self.disk / "data"))
        text = text.replace("/etc/etcd/pki", str(self.folder / "pki"))
        text = text.replace("127.0.0.1:2381", f"{self.address}:2381").replace(",https://127.0.0.1:2379", "")
        (self.folder / "etc" / "etcd.env").write_text(text)

    def configure(self, seconds: int = 60) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", _STEP, str(self.folder / "pki"), str(self.disk)],
            env=self.environment, capture_output=True, text=True, timeout=seconds, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def lose(self, with_disk: bool = False) -> None:
        """The machine is gone; its address and, mostly, its disk are not."""
        self.stop()
        for name in ("bin", "etc", "logs", "pki", *(["disk"] if with_disk else [])):
            shutil.rmtree(self.folder / name)

    def stop(self) -> None:
        # What starts etcd again goes first.
        for pid in (self.folder / "pid", self.folder / "etcd-pid"):
            if pid.exists():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid.read_text()), signal.SIGKILL)
                pid.unlink()

    def make_room(self) -> subprocess.CompletedProcess[str]:
        """`quorate-node defragment-etcd --disarm`, by hand."""
        return subprocess.run(
            [sys.executable, "-c", _MAKE_ROOM, str(self.folder / "pki")],
            env=self.environment, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def etcdctl(self, *arguments: str, stdin: str = "") -> str:
        pki = self.folder / "pki"
        command = [str(binary("etcd", "etcdctl")), "--endpoints", f"https://{self.address}:2379"]
        for option, file in (("--cacert", "ca.crt"), ("--cert", "member.crt"), ("--key", "member.key")):
            command += [option, str(pki / file)]
        return subprocess.run(
            [*command, *arguments], input=stdin, check=True, capture_output=True, text=True, timeout=20
        ).stdout

    def member_ids(self) -> dict[str, str]:
        """The id of each member by its peer address; learners are marked."""
        listed: dict[str, Any] = json.loads(self.etcdctl("member", "list", "--write-out", "json"))
        return {
            m["peerURLs"][0].split("/")[2].split(":")[0]: f"{m['ID']:x}" + (" learner" if m.get("isLearner") else "")
            for m in listed["members"]
        }

    def _program(self, name: str, text: str) -> None:
        path = self.folder / "bin" / name
        path.write_text(text)
        path.chmod(0o755)

    def _certificate(self, authority: Path) -> None:
        pki = self.folder / "pki"
        shutil.copy(authority / "ca.crt", pki)
        extensions = pki / "extensions"
        extensions.write_text(
            f"subjectAltName = IP:{self.address}, IP:127.0.0.1\nextendedKeyUsage = serverAuth, clientAuth\n"
        )
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={self.name}",
                "-keyout", str(pki / "member.key"), "-out", str(pki / "member.csr"))  # fmt: skip
        openssl("x509", "-req", "-in", str(pki / "member.csr"), "-out", str(pki / "member.crt"), "-days", "2",
                "-CA", str(authority / "ca.crt"), "-CAkey", str(authority / "ca.key"),
                "-extfile", str(extensions))  # fmt: skip


def configure_all(machines: list[EtcdMachine]) -> list[subprocess.CompletedProcess[str]]:
    """As `pulumi up` does it: at the same time."""
    with ThreadPoolExecutor(len(machines)) as pool:
        return list(pool.map(lambda machine: machine.configure(120), machines))
