"""kubectl with a deadline; answers are JSON that Python reads."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.node.common.kubeadm import API_PORT
from components.node.common.programs import run

ADMIN_CONF = Path("/etc/kubernetes/admin.conf")


@dataclass(frozen=True)
class Kubectl:
    """kubectl as the user of a kubeconfig, which also says where the API is, unless `server` does (https://HOST:PORT).

    `request_seconds` is for each request to the API, of which a call may make many.
    """

    kubeconfig: Path = ADMIN_CONF
    server: str = ""
    request_seconds: int = 10

    def run(self, *arguments: str, stdin: str = "", seconds: float = 30) -> str:
        """What it prints. Raises Failure with its last lines where it fails, or does not end within `seconds`."""
        command = ["kubectl", "--kubeconfig", str(self.kubeconfig), f"--request-timeout={self.request_seconds}s"]
        if self.server:
            command += ["--server", self.server]
        return run([*command, *arguments], stdin=stdin, seconds=seconds)

    def read(self, *arguments: str) -> Any:
        """The JSON of `kubectl get ARGUMENTS`; None where `--ignore-not-found` is one of them and nothing was found."""
        text = self.run("get", *arguments, "--output", "json")
        return json.loads(text) if text.strip() else None

    def rows(self, *arguments: str, fields: Sequence[str], seconds: float = 30) -> list[list[str]]:
        """Fields (as JSONPath, such as .metadata.name) of each object of `kubectl get ARGUMENTS`; "" for one it lacks.

        Fields instead of whole objects: a look at thousands stays small.
        """
        line = '{"\\t"}'.join(f"{{{field}}}" for field in fields)
        template = f'jsonpath={{range .items[*]}}{line}{{"\\n"}}{{end}}'
        text = self.run("get", *arguments, "--output", template, seconds=seconds)
        return [line.split("\t") for line in text.splitlines() if line]

    def at(self, address: str) -> Kubectl:
        """The same user, at the API server of one machine."""
        return dataclasses.replace(self, server=f"https://{address}:{API_PORT}")

    def api_is_ready(self) -> None:
        """Raises Failure unless the API server is ready."""
        self.run("get", "--raw", "/readyz")


admin_kubectl = Kubectl()
