"""What groups do of themselves: hooks, refreshes, health and time. Time is a number that the test moves."""

from __future__ import annotations

import time
from typing import Any

import pytest

from sandbox.cloud.api.server import ACCOUNT, REGION
from sandbox.cloud.scaling import groups
from sandbox.tests.cloud.api.account import Account, refused
from sandbox.tests.cloud.pools import Pool

pytestmark = pytest.mark.slow


class Clock:
    """The only time that there is, for the account's own clock too."""

    def __init__(self, account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = time.time()
        self._account = account
        monkeypatch.setattr(time, "time", lambda: self.now)

    def pass_seconds(self, seconds: float) -> None:
        self.now += seconds
        with self._account.api._whole:
            if groups.advance(ACCOUNT, REGION, self.now):
                self._account.api._changed()


@pytest.fixture
def clock(account: Account, monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(account, monkeypatch)


def hook(pool: Pool, transition: str, result: str = "CONTINUE") -> None:
    pool.scaling.put_lifecycle_hook(
        LifecycleHookName="drain",
        AutoScalingGroupName="workers",
        LifecycleTransition=f"autoscaling:EC2_INSTANCE_{transition}",
        HeartbeatTimeout=300,
        DefaultResult=result,
    )


def state(pool: Pool, instance_id: str) -> str | None:
    return next((i["LifecycleState"] for i in pool.described()["Instances"] if i["InstanceId"] == instance_id), None)


def complete(pool: Pool, instance_id: str, result: str = "CONTINUE") -> None:
    pool.scaling.complete_lifecycle_action(
        LifecycleHookName="drain",
        AutoScalingGroupName="workers",
        InstanceId=instance_id,
        LifecycleActionResult=result,
    )


@pytest.fixture
def leaving(pool: Pool) -> str:
    """An instance that a hook keeps running while it leaves its group."""
    pool.launch(DesiredCapacity=2)
    hook(pool, "TERMINATING")
    before = pool.ids()
    pool.scaling.set_desired_capacity(AutoScalingGroupName="workers", DesiredCapacity=1)
    (chosen,) = before - pool.ids()
    return chosen


def test_an_instance_runs_on_until_its_drain_is_told_to_be_complete(pool: Pool, leaving: str) -> None:
    assert state(pool, leaving) == "Terminating:Wait"
    assert pool.account.described(leaving)["State"]["Name"] == "running"
    (seen,) = [i for i in pool.account.api.view().instances if i.id == leaving]
    assert seen.target_lifecycle_state == "Terminated"
    complete(pool, leaving)
    assert state(pool, leaving) is None
    assert pool.account.described(leaving)["State"]["Name"] == "terminated"


def test_a_drain_that_nobody_ends_ends_by_its_timeout(clock: Clock, pool: Pool, leaving: str) -> None:
    clock.pass_seconds(299)
    assert state(pool, leaving) == "Terminating:Wait"
    clock.pass_seconds(2)
    assert state(pool, leaving) is None


def test_a_hook_that_is_deleted_lets_go_of_who_waits_for_it(pool: Pool, leaving: str) -> None:
    pool.scaling.delete_lifecycle_hook(LifecycleHookName="drain", AutoScalingGroupName="workers")
    assert state(pool, leaving) is None


def test_only_an_instance_that_waits_can_be_let_go(pool: Pool, leaving: str) -> None:
    (stays,) = pool.ids()
    with refused("ValidationError"):
        complete(pool, stays)


def test_an_instance_that_is_gone_is_not_waited_for(pool: Pool) -> None:
    pool.launch(DesiredCapacity=1)
    hook(pool, "TERMINATING")
    (lost,) = pool.ids()
    pool.account.ec2.terminate_instances(InstanceIds=[lost])
    assert state(pool, lost) is None
    assert len(pool.ids()) == 1


def test_a_starting_instance_waits_for_its_hook_and_is_replaced_when_abandoned(pool: Pool) -> None:
    pool.launch(DesiredCapacity=0, MinSize=0)
    hook(pool, "LAUNCHING")
    pool.scaling.set_desired_capacity(AutoScalingGroupName="workers", DesiredCapacity=1)
    (first,) = [i["InstanceId"] for i in pool.described()["Instances"]]
    assert state(pool, first) == "Pending:Wait"
    complete(pool, first, "ABANDON")
    (second,) = [i["InstanceId"] for i in pool.described()["Instances"]]
    assert second != first
    complete(pool, second)
    assert state(pool, second) == "InService"


def test_failed_hardware_is_replaced_after_the_grace_period(clock: Clock, pool: Pool) -> None:
    pool.launch(DesiredCapacity=1, HealthCheckGracePeriod=120)
    (failed,) = pool.ids()
    pool.account.api.set_impaired(failed, True)
    clock.pass_seconds(119)
    assert pool.ids() == {failed}
    clock.pass_seconds(2)
    assert failed not in pool.ids()
    assert len(pool.ids()) == 1


def refresh(pool: Pool, **preferences: Any) -> None:
    pool.scaling.start_instance_refresh(AutoScalingGroupName="workers", Preferences=preferences)


def status(pool: Pool) -> tuple[str, int]:
    newest = pool.scaling.describe_instance_refreshes(AutoScalingGroupName="workers")["InstanceRefreshes"][0]
    return newest["Status"], newest["PercentageComplete"]


def test_a_refresh_that_launches_first_never_has_fewer_than_desired(clock: Clock, pool: Pool) -> None:
    pool.launch(DesiredCapacity=3)
    old = pool.ids()
    pool.next_version(InstanceType="t3.large")
    refresh(pool, MinHealthyPercentage=100, MaxHealthyPercentage=110, InstanceWarmup=60)
    numbers = set()
    for _ in range(10):
        numbers.add(len(pool.ids()))
        clock.pass_seconds(61)
    assert numbers <= {3, 4}
    assert status(pool) == ("Successful", 100)
    assert not pool.ids() & old
    assert {i["InstanceType"] for i in pool.instances()} == {"t3.large"}


def test_a_refresh_waits_for_what_it_launched_to_warm_up(clock: Clock, pool: Pool) -> None:
    pool.launch(DesiredCapacity=2)
    old = pool.ids()
    refresh(pool, MinHealthyPercentage=50, InstanceWarmup=60)
    clock.pass_seconds(30)
    assert len(pool.ids() & old) == 1, "one may be missing at a time, and the new one is not warm"
    clock.pass_seconds(31)
    assert pool.ids() & old == set()


def test_a_small_group_is_refreshed_although_its_bounds_leave_no_room(clock: Clock, pool: Pool) -> None:
    pool.launch(DesiredCapacity=1)
    old = pool.ids()
    refresh(pool, MinHealthyPercentage=90, InstanceWarmup=0)
    clock.pass_seconds(1)
    assert not pool.ids() & old
    assert status(pool)[0] == "Successful"


def test_instances_of_the_current_template_can_be_skipped(clock: Clock, pool: Pool) -> None:
    pool.launch(DesiredCapacity=2)
    old = pool.ids()
    refresh(pool, SkipMatching=True, InstanceWarmup=0)
    clock.pass_seconds(1)
    assert (pool.ids(), status(pool)) == (old, ("Successful", 100))


def test_a_cancelled_refresh_leaves_the_rest_as_it_is(clock: Clock, pool: Pool) -> None:
    pool.launch(DesiredCapacity=3)
    old = pool.ids()
    refresh(pool, MinHealthyPercentage=66, InstanceWarmup=600)
    with refused("InstanceRefreshInProgress"):
        refresh(pool)
    pool.scaling.cancel_instance_refresh(AutoScalingGroupName="workers")
    clock.pass_seconds(1000)
    assert status(pool)[0] == "Cancelled"
    assert len(pool.ids() & old) == 2


def test_a_refresh_with_checkpoints_is_refused_by_name(pool: Pool) -> None:
    pool.launch()
    with refused("SandboxNotModelled") as refusal:
        refresh(pool, CheckpointPercentages=[50])
    assert "CheckpointPercentages" in refusal.message
