"""kubectl ready to use, with completion, for root and the login user of a control-plane machine."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

from components.node.common.failure import Failure
from components.node.common.files import install_text
from components.node.common.log import report
from components.node.common.programs import run
from components.node.control_plane.this_machine import ThisMachine

COMPLETION = Path("/etc/bash_completion.d/kubectl")


def give_kubectl(machine: ThisMachine, completion: Path = COMPLETION) -> None:
    for user in dict.fromkeys(("root", machine.login_user)):
        _give(user, (machine.folders.kubernetes / "admin.conf").read_text())
    install_text(completion, run(["kubectl", "completion", "bash"]))


def _give(user: str, kubeconfig: str) -> None:
    try:
        account = pwd.getpwnam(user)
    except KeyError:
        raise Failure(f"this machine has no user {user}, whom node.env names as LOGIN_USER") from None
    home = Path(account.pw_dir)
    if not home.is_dir():
        return
    folder = home / ".kube"
    folder.mkdir(mode=0o700, exist_ok=True)
    os.chown(folder, account.pw_uid, account.pw_gid, follow_symlinks=False)
    # The kubeconfig is the cluster's administrator, for a moment still root's alone.
    if install_text(folder / "config", kubeconfig, 0o600):
        report(f"kubectl is ready for {user}")
    os.chown(folder / "config", account.pw_uid, account.pw_gid, follow_symlinks=False)
