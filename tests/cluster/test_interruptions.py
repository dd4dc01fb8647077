"""Cut off at any moment, by a person or by a power loss: the next run finishes by itself."""

from __future__ import annotations

import os
import signal
import subprocess
import time

import pytest

from tests import sandbox_cli
from tests.cluster.conftest import DESTROY, INTERRUPT_SECONDS, STACK, UP, Workspace
from tests.cluster.interruptions import ctrl_c, kill_9, logged, printed
from tests.cluster.on_machines import machine_ids, processes

pytestmark = pytest.mark.cluster

UP_MOMENTS = (
    r"aws:ec2:Vpc .* creating",
    r"aws:ec2:Instance .* creating",
    r"command:remote:Command .*-configure creating",
)
DESTROY_MOMENTS = (
    r"kubernetes:apps/v1:Deployment .* deleting",
    r"aws:ec2:Instance .* deleting",
    r"aws:ec2:Subnet .* deleting",
)


def power_loss(workspace: Workspace) -> None:
    """The machine ends at once, and boots again from its own disk."""
    (machine,) = machine_ids()
    ec2, patience = workspace.ec2(), {"Delay": 1, "MaxAttempts": 60}
    init = processes()[machine]
    assert init is not None
    os.kill(init, signal.SIGKILL)
    ec2.stop_instances(InstanceIds=[machine], Force=True)
    ec2.get_waiter("instance_stopped").wait(InstanceIds=[machine], WaiterConfig=patience)
    ec2.start_instances(InstanceIds=[machine])
    ec2.get_waiter("instance_running").wait(InstanceIds=[machine], WaiterConfig=patience)


def finish_up(workspace: Workspace) -> None:
    """`up` ends well, a second one has nothing to do, and the page is served."""
    workspace.pulumi(*UP)
    assert workspace.changes(*UP) == {}
    assert workspace.kubectl("get", "--raw", "/api/v1/namespaces/quorate-smoke/services/smoke:http/proxy/").strip()


def finish_destroy(workspace: Workspace) -> None:
    workspace.pulumi(*DESTROY)
    assert machine_ids() == []
    assert not workspace.state()["deployment"].get("resources")
    workspace.forget_kubeconfig()


@pytest.fixture
def nothing(workspace: Workspace) -> Workspace:
    """The workspace with nothing declared."""
    finish_destroy(workspace)
    return workspace


@pytest.mark.drill
def test_destroy_finishes_after_ctrl_c_at_three_moments(education: Workspace) -> None:
    for moment in DESTROY_MOMENTS:
        # Not its exit code: where what was under way ends well, the engine calls a cut-off destroy complete.
        education.interrupt(*DESTROY, at=[(printed(moment), ctrl_c)])
        assert education.state()["deployment"]["resources"]
    finish_destroy(education)


@pytest.mark.drill
def test_up_finishes_after_ctrl_c_at_three_moments(nothing: Workspace) -> None:
    for moment in UP_MOMENTS:
        outcome = nothing.interrupt(*UP, at=[(printed(moment), ctrl_c)])
        assert outcome.returncode != 0, outcome.stdout
    finish_up(nothing)


@pytest.mark.drill
def test_destroy_finishes_after_kill_9_at_three_moments(education: Workspace) -> None:
    for moment in DESTROY_MOMENTS:
        education.interrupt(*DESTROY, at=[(printed(moment), kill_9)])
        education.pulumi("cancel", "--yes", "--stack", STACK)
    finish_destroy(education)


@pytest.mark.drill
def test_up_finishes_after_kill_9_at_three_moments(nothing: Workspace) -> None:
    for moment in UP_MOMENTS:
        nothing.interrupt(*UP, at=[(printed(moment), kill_9)])
        nothing.pulumi("cancel", "--yes", "--stack", STACK)
    finish_up(nothing)


@pytest.mark.drill
def test_an_instance_that_a_killed_up_had_just_launched_is_in_the_way_until_it_is_terminated(
    nothing: Workspace,
) -> None:
    """As docs/operate.md tells: nothing but the account knows of the instance, and it holds the fixed address."""
    nothing.interrupt(*UP, at=[(lambda _: bool(machine_ids()), kill_9)])
    nothing.pulumi("cancel", "--yes", "--stack", STACK)
    (launched,) = machine_ids()
    pending = [operation["resource"]["type"] for operation in nothing.state()["deployment"]["pending_operations"]]
    assert "aws:ec2/instance:Instance" in pending
    assert "InvalidNetworkInterface.InUse" in nothing.pulumi(*UP, check=False).stdout
    ec2 = nothing.ec2()
    ec2.terminate_instances(InstanceIds=[launched])
    ec2.get_waiter("instance_terminated").wait(InstanceIds=[launched], WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    finish_up(nothing)
    assert machine_ids() != [launched]


def test_up_finishes_after_its_machine_lost_power_in_the_middle_of_a_step(nothing: Workspace) -> None:
    def lose_power_and_pulumi(process: subprocess.Popen[bytes]) -> None:
        process.kill()
        power_loss(nothing)

    packages = logged("install-packages", "installing")
    kubeadm = logged("configure-control-plane", r"kubeadm init[\s\S]*\[kubeconfig\]")
    network_plugin = logged("apply-network-plugin", ".")
    nothing.interrupt(*UP, at=[(packages, lambda _: power_loss(nothing)), (kubeadm, lose_power_and_pulumi)])
    nothing.pulumi("cancel", "--yes", "--stack", STACK)
    nothing.interrupt(*UP, at=[(network_plugin, lose_power_and_pulumi)])
    nothing.pulumi("cancel", "--yes", "--stack", STACK)
    finish_up(nothing)


@pytest.mark.drill
def test_up_notices_that_its_machine_lost_power_under_a_command(nothing: Workspace) -> None:
    kubeadm = logged("configure-control-plane", r"\[kubeconfig\]")
    nothing.interrupt(*UP, at=[(kubeadm, lambda _: power_loss(nothing))])
    finish_up(nothing)


@pytest.mark.drill
def test_up_goes_on_when_the_supervisor_is_killed_and_started_again(nothing: Workspace) -> None:
    def kill_supervisor(process: subprocess.Popen[bytes]) -> None:
        supervisor = sandbox_cli.supervisor_process()
        assert supervisor is not None
        os.kill(supervisor, signal.SIGKILL)
        deadline = time.monotonic() + INTERRUPT_SECONDS
        while sandbox_cli.supervisor_process() is not None:
            assert time.monotonic() < deadline, "the supervisor outlived SIGKILL"
            time.sleep(0.05)
        sandbox_cli.up()

    nothing.interrupt(*UP, at=[(printed(r"aws:ec2:Instance .* creating"), kill_supervisor)])
    finish_up(nothing)
