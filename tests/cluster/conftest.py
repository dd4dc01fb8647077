"""A sandbox and a working copy of the program for the cluster tests."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import sandbox_cli
from tests.cluster.account import account_client
from tests.cluster.host_facts import HostFacts, host_facts
from tests.cluster.interruptions import Act, Moment

STACK = "education"
UP = ("up", "--yes", "--skip-preview", "--stack", STACK)
DESTROY = ("destroy", "--yes", "--skip-preview", "--stack", STACK)
INTERRUPT_SECONDS = 300

# Each begins with what the one before leaves.
MODULES_IN_ORDER = (
    "test_education",
    "test_changes",
    "test_broken_arguments",
    "test_lost_machine",
    "test_interruptions",
    "test_leaving",
    "test_reviewed_changes",
    "test_worker_pools",
    "test_interrupted_joins",
    "test_prod",
    "test_destroyed_by_mistake",
    "test_network_plugins",
    "test_prod_faults",
    "test_slow_load_balancer",
    "test_etcd_faults",
    "test_restore",
    "test_restore_single",
    "test_backups",
    "test_numbers",
    "test_prod_machine_types",
    "test_takeover",
)


@dataclass(frozen=True)
class Workspace:
    """The program in a folder of its own, so that a test may edit the stack file.

    `environment` is for pulumi, `host_before` what the host looked like before the sandbox.
    """

    folder: Path
    environment: dict[str, str]
    host_before: HostFacts
    stack: str = STACK

    @property
    def stack_file(self) -> Path:
        return self.folder / "stacks" / f"Pulumi.{self.stack}.yaml"

    @property
    def kubeconfig(self) -> Path:
        """The stack's own, fetched once; needs `environment`."""
        path = self.folder / "kubeconfig"
        if not path.exists():
            content = self.pulumi("stack", "output", "kubeconfig", "--show-secrets", "--stack", self.stack).stdout
            path.touch(mode=0o600)
            path.write_text(content)
        return path

    def forget_kubeconfig(self) -> None:
        """The next one who needs it fetches what the stack has then."""
        (self.folder / "kubeconfig").unlink(missing_ok=True)

    def set(self, group: str, key: str, value: object) -> None:
        """Sets one setting in the stack file."""
        self.edit(lambda config: config.setdefault(f"quorate:{group}", {}).update({key: value}))

    def replace(self, groups: Mapping[str, object]) -> None:
        """Puts whole groups of settings in the place of those in the stack file."""
        self.edit(lambda config: config.update({f"quorate:{group}": value for group, value in groups.items()}))

    def edit(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Changes the configuration in the stack file."""
        stack = yaml.safe_load(self.stack_file.read_text())
        change(stack["config"])
        self.stack_file.write_text(yaml.safe_dump(stack, sort_keys=False))

    def pulumi(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Runs pulumi and shows its whole output where it fails."""
        outcome = subprocess.run(
            ["pulumi", "--non-interactive", "--color", "never", *arguments],
            cwd=self.folder, env=self.environment, capture_output=True, text=True,
        )  # fmt: skip
        if check and outcome.returncode:
            pytest.fail(
                f"pulumi {' '.join(arguments)}: exit {outcome.returncode}\n{outcome.stdout}\n{outcome.stderr}\n"
                f"last requests:\n{_tail_of('requests')}\nsupervisor:\n{_tail_of('log')}"
            )
        return outcome

    def interrupt(
        self,
        *arguments: str,
        at: Iterable[tuple[Moment, Act]],
        seconds: float = INTERRUPT_SECONDS,
        may_finish: bool = False,
    ) -> subprocess.CompletedProcess[str]:
        """Runs pulumi and says how it ended.

        For each pair of `at`, one after the other: when the first holds of what was printed, the second is done.
        Each may take `seconds` to come, and so may the end. Fails where one never comes, unless the run `may_finish`
        well before it does.
        """
        printed = self.folder / "interrupted.log"
        with printed.open("wb") as log:
            process = subprocess.Popen(
                ["pulumi", "--non-interactive", "--color", "never", *arguments],
                cwd=self.folder, env=self.environment, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
            for moment, act in at:
                deadline = time.monotonic() + seconds
                while not moment(printed.read_text()):
                    if may_finish and process.poll() == 0:
                        return subprocess.CompletedProcess(process.args, 0, printed.read_text(), "")
                    if process.poll() is not None or time.monotonic() > deadline:
                        process.kill()
                        pytest.fail(f"pulumi {' '.join(arguments)}: the moment never came\n{printed.read_text()}")
                    time.sleep(0.1)
                act(process)
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                pytest.fail(f"pulumi {' '.join(arguments)} went on after its interruption\n{printed.read_text()}")
        return subprocess.CompletedProcess(process.args, process.returncode, printed.read_text(), "")

    def operation_command(self, name: str, *arguments: str) -> list[str]:
        """The command line of `python -m operations NAME` for the stack; needs `environment` and `folder`."""
        return [".venv/bin/python", "-m", "operations", name, "--stack", self.stack, *arguments]

    def operation(self, name: str, *arguments: str, seconds: float = 600) -> subprocess.CompletedProcess[str]:
        """Runs `python -m operations NAME`, and says how it ended."""
        return subprocess.run(
            self.operation_command(name, *arguments), cwd=self.folder, env=self.environment,
            capture_output=True, text=True, timeout=seconds, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def kubectl_command(self, *arguments: str) -> list[str]:
        """The command line of kubectl as the operator, with the stack's own kubeconfig; needs `environment`."""
        return [str(sandbox_cli.binary("kubernetes", "kubectl")), f"--kubeconfig={self.kubeconfig}", *arguments]

    def kubectl(self, *arguments: str, given: str = "") -> str:
        """Runs kubectl as the operator; `given` is its standard input."""
        # The name of a load balancer is known to the proxy alone.
        outcome = subprocess.run(
            self.kubectl_command(*arguments), env=self.environment, capture_output=True, text=True, input=given
        )
        if outcome.returncode:
            pytest.fail(f"kubectl {' '.join(arguments)}: {outcome.stderr}")
        return outcome.stdout

    def ec2(self) -> Any:
        """A client of the account's EC2, by way of the operator's proxy."""
        return account_client(self.environment, "ec2")

    def changes(self, *arguments: str) -> dict[str, int]:
        """Number of resources by what `pulumi <arguments>` did with them, without those left as they are."""
        self.pulumi(*arguments)
        history = json.loads(
            self.pulumi("stack", "history", "--json", "--page-size", "1", "--stack", self.stack).stdout
        )
        summary: dict[str, int] = history[0].get("resourceChanges") or {}
        return {kind: number for kind, number in summary.items() if kind != "same"}

    def state(self) -> dict[str, Any]:
        exported: dict[str, Any] = json.loads(self.pulumi("stack", "export", "--stack", self.stack).stdout)
        return exported


def _tail_of(log: str, lines: int = 60) -> str:
    """The end of one of the files that the sandbox's status names."""
    file = Path(sandbox_cli.status()[log])
    return "\n".join(file.read_text(errors="replace").splitlines()[-lines:]) if file.exists() else f"no {file}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the modules of this folder in order; others stay where they are."""
    here = Path(__file__).parent
    places = [place for place, item in enumerate(items) if item.path.parent == here]
    ordered = sorted((items[place] for place in places), key=lambda item: MODULES_IN_ORDER.index(item.path.stem))
    for place, item in zip(places, ordered, strict=True):
        items[place] = item


@contextmanager
def made_workspace(folders: pytest.TempPathFactory, stack: str) -> Iterator[Workspace]:
    """A sandbox from nothing, and a copy of the program in it; nothing of both is left afterwards."""
    sandbox_cli.down()
    host_before = host_facts()
    sandbox_cli.up()
    folder = folders.mktemp("program")
    for name in ("Pulumi.yaml", "__main__.py", "components", "pricing", "stacks", "policies", "operations", ".ci"):
        source = sandbox_cli.CHECKOUT / name
        if source.is_dir():
            shutil.copytree(source, folder / name)
        else:
            shutil.copy(source, folder / name)
    (folder / ".venv").symlink_to(sandbox_cli.CHECKOUT / ".venv")
    made = Workspace(folder, {**os.environ, **sandbox_cli.environment()}, host_before, stack)
    made.pulumi("stack", "select", "--create", stack)
    yield made
    print(_tail_of("log"))
    sandbox_cli.down()


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """The workspace of the education stack, for all modules that build on each other."""
    with made_workspace(tmp_path_factory, STACK) as made:
        yield made


@pytest.fixture
def education(workspace: Workspace) -> Workspace:
    """The workspace with the stack up, for modules that run by themselves."""
    if not workspace.state()["deployment"].get("resources"):
        workspace.pulumi(*UP)
    return workspace
