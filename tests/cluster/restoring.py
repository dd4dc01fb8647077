"""A cluster's objects, to be compared one by one, and `python -m operations restore` as an operator calls it."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.cluster.conftest import Workspace
from tests.cluster.waiting import until
from tests.interrupts import heed_interrupts

# What people and controllers wrote, and nothing rewrites from time to time.
_KINDS = (
    "namespaces", "configmaps", "secrets", "services", "serviceaccounts", "deployments", "daemonsets", "roles",
    "rolebindings", "clusterroles", "clusterrolebindings", "customresourcedefinitions", "priorityclasses",
    "storageclasses", "networkpolicies",
)  # fmt: skip
_OF_THE_MOMENT = ("resourceVersion", "managedFields", "generation", "annotations")
_SIGNED = "jws-kubeconfig-"
_SECONDS = 1200
SINCE = "since-the-snapshot"
Objects = Mapping[tuple[str, str, str], Any]


@dataclass(frozen=True)
class Restoring:
    workspace: Workspace

    def fill(self) -> None:
        """What is there before."""
        kubectl = self.workspace.kubectl
        kubectl("create", "namespace", "shop")
        orders = [
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"order-{n}"}, "data": {"number": str(n)}}
            for n in range(50)
        ]
        listed = {"apiVersion": "v1", "kind": "List", "items": orders}
        kubectl("create", "-n", "shop", "-f", "-", given=json.dumps(listed))
        kubectl("create", "secret", "generic", "till", "-n", "shop", "--from-literal=pin=4711")

    def go_on(self) -> None:
        """What happens after a snapshot: objects come, change and go."""
        kubectl = self.workspace.kubectl
        kubectl("create", "namespace", SINCE)
        kubectl("create", "configmap", "new", "-n", SINCE, "--from-literal=a=b")
        kubectl("patch", "configmap", "order-7", "-n", "shop", "--patch", '{"data": {"number": "changed"}}')
        kubectl("delete", "configmap", "order-8", "-n", "shop")

    def objects(self) -> Objects:
        """By kind, namespace and name."""
        found = {}
        for kind in _KINDS:
            for each in json.loads(self.workspace.kubectl("get", kind, "--all-namespaces", "-o", "json"))["items"]:
                metadata = each["metadata"]
                # The token to join is a new one every eight minutes, and what it signs with it.
                if not metadata["name"].startswith("bootstrap-token-"):
                    kept = {key: value for key, value in metadata.items() if key not in _OF_THE_MOMENT}
                    content = {key: value for key, value in each.items() if key not in ("metadata", "status")}
                    if "data" in content:
                        content["data"] = {k: v for k, v in content["data"].items() if not k.startswith(_SIGNED)}
                    found[kind, metadata.get("namespace", ""), metadata["name"]] = (kept, content)
        return found

    def assert_as_before(self, before: Objects) -> None:
        after = self.objects()
        differences = [
            f"{' '.join(key)}: before {before.get(key)}, now {after.get(key)}"
            for key in sorted(before.keys() | after.keys())
            if before.get(key) != after.get(key)
        ]
        assert not differences, "\n".join(differences)

    def restore(self, *arguments: str) -> str:
        """What it says. Fails where it fails."""
        begun = time.monotonic()
        outcome = self.workspace.operation("restore", *self._confirmed(), *arguments, seconds=_SECONDS)
        print(outcome.stdout, f"restore {' '.join(arguments)}: {time.monotonic() - begun:.1f} s", sep="\n")
        assert outcome.returncode == 0, outcome.stderr
        return outcome.stdout

    def interrupt(self, step: str, *arguments: str) -> None:
        """Ends it as a person does, once it has begun a step."""
        printed = self.workspace.folder / "restore.log"
        with printed.open("wb") as log:
            process = subprocess.Popen(
                self.workspace.operation_command("restore", *self._confirmed(), *arguments),
                cwd=self.workspace.folder, env=self.workspace.environment,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, preexec_fn=heed_interrupts,
            )  # fmt: skip
            try:
                until(lambda: step in printed.read_text() or process.poll() is not None, step, 600)
                assert process.poll() is None, printed.read_text()
                process.send_signal(signal.SIGINT)
                process.wait(60)
            finally:
                process.kill()
        print(printed.read_text())
        assert process.returncode != 0

    def _confirmed(self) -> tuple[str, str]:
        # The cluster of each shipped stack has the stack's name.
        return "--yes", self.workspace.stack
