"""kubeadm, and how a machine reaches the cluster that it joins: the same on control planes and workers."""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

from components.node.common import environment, https, log
from components.node.common.failure import Failure
from components.node.common.files import install_text
from components.node.common.programs import run, stream
from components.ports import API

API_PORT = API
# In memory: the file holds a secret for as long as a join takes.
DISCOVERY = Path(os.environ.get("QUORATE_RUN", "/run/quorate")) / "discovery.conf"

# Where kubeadm finds what is laid over its own configuration.
PATCHES = Path("/opt/quorate/share/patches")
TOKEN = re.compile(r"\b[a-z0-9]{6}\.[a-z0-9]{16}\b")
# kubeadm lists the kernel's options in this colour where its check of them was ignored.
_KERNEL_OPTION = "\x1b[0;37m"


def hide_tokens(line: str) -> str | None:
    """A line of kubeadm's without bootstrap tokens: even a short-lived one must not be logged. None: leave it out."""
    return None if line.startswith(_KERNEL_OPTION) else TOKEN.sub("(token)", line)


def ignored_checks(*names: str) -> str:
    """Preflight checks to ignore, for kubeadm: `names`, and those that this machine's image lists as impossible."""
    path = environment.ETC / "ignore-preflight-errors"
    listed = path.read_text() if path.exists() else ""
    return ",".join([*names, *re.split(r"[\s,]+", listed.strip())] if listed.strip() else names)


def write_provider_id(provider_id: str, patches: Path = PATCHES) -> None:
    """What the kubelet registers its Node with: the instance, as AWS's controllers and autoscalers look for it.

    A patch of this machine's own: the documents are the same for all machines of a pool.
    """
    install_text(patches / "kubeletconfiguration-instance+merge.yaml", f"providerID: {provider_id}\n")


def run_kubeadm(*arguments: str) -> None:
    """Reports kubeadm's messages while they come. Raises Failure, after the kubelet's log, when it fails."""
    if stream(["kubeadm", *arguments], shown=hide_tokens) != 0:
        explain_failure()
        raise Failure(f"kubeadm {arguments[0]} failed; its messages are above")


def explain_failure() -> None:
    """Reports what the kubelet said last and which containers don't run."""
    log.report("the last lines of the kubelet's log:")
    _show(["journalctl", "--unit", "kubelet", "--lines", "15", "--no-pager", "--output", "cat"], 15)
    log.report("containers that are not running:")
    _show(["crictl", "ps", "--all"], 10, without="Running")


def _show(command: list[str], last: int, without: str | None = None) -> None:
    try:
        lines = run(command).splitlines()
    except Failure as failure:
        lines = [str(failure)]
    for line in [line for line in lines if without is None or without not in line][-last:]:
        log.write(f"{hide_tokens(line) or ''}\n")


def write_discovery(user: Mapping[str, str], endpoint_name: str, authority: Path, path: Path = DISCOVERY) -> None:
    """Where the API is and how to verify it, for `kubeadm join`. `user` is that of a kubeconfig: its credentials."""
    encoded = base64.b64encode(authority.read_bytes()).decode()
    cluster = {"server": f"https://{endpoint_name}:{API_PORT}", "certificate-authority-data": encoded}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "cluster", "cluster": cluster}],
        "users": [{"name": "joining", "user": dict(user)}],
        "contexts": [{"name": "join", "context": {"cluster": "cluster", "user": "joining"}}],
        "current-context": "join",
    }
    make_private_folder(path.parent)
    # JSON is YAML, and needs no quoting by hand.
    install_text(path, f"{json.dumps(document, indent=2)}\n", 0o600)


def make_private_folder(path: Path) -> None:
    """For files with secrets: nobody but root may look into it."""
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o700)


def api_answers(authority: Path, host: str, port: int = API_PORT) -> None:
    """Raises Failure unless the API server at `host`, an address or a name, is ready. `authority` is its CA's PEM."""
    url = f"https://{host}:{port}/readyz"
    https.request(url, trust=https.Trust(authority), seconds=4).expected(url)
