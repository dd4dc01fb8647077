"""The AWS provider behind Pulumi's bridge, in what else can happen to a plugin."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.tests.cloud.api.account import Account
from sandbox.tests.engine.processes import plugin_of

if TYPE_CHECKING:
    from tests.pulumi_project import Project

pytestmark = pytest.mark.engine

GROUP = """
    import pulumi, pulumi_aws as aws
    group = aws.ec2.SecurityGroup("group", vpc_id={vpc!r}, name="nodes", description={description!r}, tags={tags!r})
    rule = aws.vpc.SecurityGroupIngressRule("rule", security_group_id=group.id, ip_protocol="-1",
        cidr_ipv4="10.0.0.0/8")
    pulumi.export("id", group.id)
"""
MACHINE = """
    import pulumi_aws as aws
    image = aws.ssm.get_parameter(name="/aws/service/debian/release/12/latest/amd64").insecure_value
    aws.ec2.Instance("machine", ami=image, instance_type="t3.large", subnet_id={subnet!r})
"""


def default_vpc(account: Account) -> str:
    (vpc,) = account.ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    return str(vpc["VpcId"])


def group(account: Account, description: str = "nodes", **tags: str) -> str:
    return GROUP.format(vpc=default_vpc(account), description=description, tags=tags)


def groups(account: Account) -> list[dict[str, Any]]:
    found = account.ec2.describe_security_groups()["SecurityGroups"]
    return [one for one in found if one["GroupName"] != "default"]


def steps(project: Project, *arguments: str) -> dict[str, dict[str, Any]]:
    """What a preview would do, by resource name."""
    planned = json.loads(project.run("preview", "--json", *arguments))["steps"]
    return {step["urn"].rsplit("::", 1)[1]: step for step in planned}


def test_a_preview_makes_nothing_and_does_not_know_ids_that_come_later(account: Account, project: Project) -> None:
    project.write(group(account))
    planned = steps(project)
    assert planned["rule"]["op"] == "create"
    assert "securityGroupId" in planned["rule"]["newState"]["inputs"]
    assert not planned["rule"]["newState"]["inputs"]["securityGroupId"].startswith("sg-")
    assert groups(account) == []


def test_a_tag_is_changed_in_place_and_a_description_replaces_the_group_and_its_rule(
    account: Account, project: Project
) -> None:
    project.up(group(account, stage="one"))
    before = project.output("id")
    project.write(group(account, stage="two"))
    assert steps(project)["group"]["op"] == "update"
    assert "tags.stage" in steps(project)["group"]["detailedDiff"]
    project.write(group(account, description="others", stage="two"))
    replaced = {name: step for name, step in steps(project).items() if "replace" in step["op"]}
    assert set(replaced) == {"group", "rule"}
    assert replaced["group"]["replaceReasons"] == ["description"]
    project.up(group(account, stage="two"))
    assert project.output("id") == before


def test_a_secret_parameter_is_encrypted_in_the_state(project: Project) -> None:
    project.up("""
        import pulumi, pulumi_aws as aws
        aws.ssm.Parameter("key", name="/probe/key", type="SecureString", value=pulumi.Output.secret("hunter2"))
    """)
    assert "hunter2" not in project.run("stack", "export")


def test_refresh_sees_what_was_changed_behind_the_provider_and_up_repairs_it(
    account: Account, project: Project
) -> None:
    project.up(group(account, stage="one"))
    account.ec2.create_tags(Resources=[project.output("id")], Tags=[{"Key": "stage", "Value": "by hand"}])
    project.run("refresh", "--yes", "--skip-preview")
    assert steps(project)["group"]["op"] == "update"
    project.up()
    tags = {tag["Key"]: tag["Value"] for tag in groups(account)[0]["Tags"]}
    assert tags["stage"] == "one"


def test_what_exists_is_imported_and_then_unchanged(account: Account, project: Project) -> None:
    vpc = default_vpc(account)
    made = account.group(vpc)
    tags = [{"Key": "project", "Value": "quorate"}]
    account.ec2.create_tags(Resources=[made], Tags=tags)
    project.write("")
    arguments = ("aws:ec2/securityGroup:SecurityGroup", "group", made, "--yes", "--generate-code=false")
    project.run("import", *arguments, "--protect=false")
    project.write(f"""
        import pulumi_aws as aws
        aws.ec2.SecurityGroup("group", vpc_id={vpc!r}, name="nodes", description="nodes")
    """)
    assert project.preview()["group"] == "same"


def test_many_groups_are_made_at_once(account: Account, project: Project) -> None:
    program = f"""
        import pulumi_aws as aws
        for number in range(40):
            aws.ec2.SecurityGroup(f"group-{{number}}", vpc_id={default_vpc(account)!r}, description=str(number))
    """
    project.up(program, "--parallel", "40")
    assert sorted(int(one["Description"]) for one in groups(account)) == list(range(40))


@pytest.fixture
def waiting(
    account: Account, project: Project, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """An up that waits for a machine of which nobody reports that it runs, and the machine's id."""
    monkeypatch.setattr(account.api, "_listeners", [lambda: None])
    project.write(MACHINE.format(subnet=account.subnet(account.vpc())))
    engine = project.start("up", "--yes", "--skip-preview")
    wait_for(lambda: launched(account))
    yield engine, launched(account)[0]
    engine.kill()
    engine.wait()


def test_an_interrupted_up_sees_its_machine_run_and_keeps_it(
    account: Account, project: Project, waiting: tuple[subprocess.Popen[str], str]
) -> None:
    engine, machine = waiting
    engine.send_signal(signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        engine.wait(3)
    account.api.finish(machine, "pending")
    engine.communicate(timeout=60)
    assert engine.returncode != 0
    project.up()
    assert project.resources()["machine"]["id"] == machine


def test_after_the_provider_was_killed_in_a_wait_the_next_up_finishes_with_a_machine_of_its_own(
    account: Account, project: Project, waiting: tuple[subprocess.Popen[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, orphan = waiting
    os.kill(plugin_of(engine.pid, "pulumi-resource-aws"), signal.SIGKILL)
    engine.communicate(timeout=60)
    assert engine.returncode != 0
    monkeypatch.undo()
    project.up()
    assert project.resources()["machine"]["id"] in set(launched(account)) - {orphan}
    assert project.preview()["machine"] == "same"


def launched(account: Account) -> list[str]:
    return [i["InstanceId"] for r in account.ec2.describe_instances()["Reservations"] for i in r["Instances"]]


def wait_for(happened: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, f"nothing happened within {seconds} s"
        time.sleep(0.1)
