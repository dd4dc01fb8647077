"""The drain of one worker, beside those of others."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

from components.node.common import log

# Shorter than the time that the group's hook waits.
_SECONDS = 240.0
_AGAIN_AFTER_SECONDS = 5.0


class Drain:
    """Runs from the start on. PodDisruptionBudgets are respected for `seconds`.

    `drained` is called at its end, even where pods are left by then, but not once the drain is abandoned.
    """

    def __init__(
        self,
        node: str,
        drained: Callable[[], None],
        kubeconfig: Path,
        seconds: float = _SECONDS,
        again_after: float = _AGAIN_AFTER_SECONDS,
    ) -> None:
        self._node, self._drained, self._kubeconfig = node, drained, kubeconfig
        self._seconds, self._again_after = seconds, again_after
        self._abandoned = threading.Event()
        self._process: subprocess.Popen[str] | None = None
        self._thread = threading.Thread(target=self._run, name=f"drain {node}")
        self._thread.start()

    def runs(self) -> bool:
        return self._thread.is_alive()

    def abandon(self) -> None:
        """Ends it without `drained`."""
        self._abandoned.set()
        if process := self._process:
            process.kill()
        self._thread.join()

    def _run(self) -> None:
        deadline = time.monotonic() + self._seconds
        while not self._abandoned.is_set():
            if self._succeeds(max(1, round(deadline - time.monotonic()))):
                log.report(f"{self._node} is drained")
                break
            # An API that was silent for a moment must not let a worker go with all its pods.
            if time.monotonic() + self._again_after >= deadline:
                log.report(f"{self._node} could not be drained in {self._seconds:.0f}s; it goes all the same")
                break
            self._abandoned.wait(self._again_after)
        if not self._abandoned.is_set():
            self._drained()

    def _succeeds(self, seconds: int) -> bool:
        options = ["--ignore-daemonsets", "--delete-emptydir-data", "--force", "--timeout", f"{seconds}s"]
        with subprocess.Popen(
            ["kubectl", "--kubeconfig", str(self._kubeconfig), "drain", self._node, *options],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        ) as process:  # fmt: skip
            self._process = process
            if self._abandoned.is_set():
                process.kill()
            assert process.stdout is not None
            for line in process.stdout:
                log.write(line)
        return process.returncode == 0
