"""Groups by the API alone: instances change state at once here, since nobody runs machines."""

from __future__ import annotations

import base64
from collections import Counter
from typing import Any

import pytest

from sandbox.cloud.api import seeds
from sandbox.tests.cloud.api.account import refused
from sandbox.tests.cloud.pools import Pool

pytestmark = pytest.mark.slow


@pytest.mark.fixes("scaling_groups")
def test_a_group_spreads_its_instances_over_all_its_zones(pool: Pool) -> None:
    pool.launch(DesiredCapacity=6)
    assert Counter(i["Placement"]["AvailabilityZone"][-1] for i in pool.instances()) == {"a": 2, "b": 2, "c": 2}


@pytest.mark.fixes("launch_templates")
def test_an_instance_of_a_group_is_all_that_the_template_says(pool: Pool) -> None:
    pool.launch(DesiredCapacity=1, Tags=[{"Key": "pool", "Value": "group", "PropagateAtLaunch": True}])
    (instance,) = pool.instances()
    assert (instance["ImageId"], instance["InstanceType"]) == (seeds.DEBIAN_IMAGE, "t3.medium")
    assert [g["GroupId"] for g in instance["SecurityGroups"]] == [pool.group]
    assert instance["IamInstanceProfile"]["Arn"].endswith("instance-profile/worker")
    assert instance["MetadataOptions"]["HttpTokens"] == "required"
    tags = {tag["Key"]: tag["Value"] for tag in instance["Tags"]}
    assert tags["pool"] == "group"
    assert tags["aws:autoscaling:groupName"] == "workers"
    (disk,) = pool.account.ec2.describe_volumes()["Volumes"]
    assert (disk["Size"], disk["Encrypted"], disk["Tags"]) == (30, True, [{"Key": "of", "Value": "worker"}])
    data = pool.account.ec2.describe_instance_attribute(InstanceId=instance["InstanceId"], Attribute="userData")
    assert base64.b64decode(data["UserData"]["Value"]) == bytes([0x1F, 0x8B, 0xFF])


@pytest.mark.fixes("launch_templates")
@pytest.mark.parametrize("public", [True, False])
def test_the_template_decides_about_public_addresses_and_not_the_subnet(pool: Pool, public: bool) -> None:
    pool.account.gateway(pool.vpc)
    pool.account.ec2.modify_subnet_attribute(SubnetId=pool.subnets[0], MapPublicIpOnLaunch={"Value": not public})
    interface = {"DeviceIndex": 0, "AssociatePublicIpAddress": public, "Groups": [pool.group]}
    made = pool.account.ec2.create_launch_template(
        LaunchTemplateName="interfaces",
        LaunchTemplateData={
            "ImageId": seeds.DEBIAN_IMAGE, "InstanceType": "t3.medium", "NetworkInterfaces": [interface],
        },
    )  # fmt: skip
    named = {"LaunchTemplateId": made["LaunchTemplate"]["LaunchTemplateId"], "Version": "1"}
    pool.launch(LaunchTemplate=named, DesiredCapacity=1)
    (instance,) = pool.instances()
    assert ("PublicIpAddress" in instance) is public
    assert [g["GroupId"] for g in instance["SecurityGroups"]] == [pool.group]


@pytest.mark.fixes("launch_templates")
def test_a_template_reads_back_what_it_was_told(pool: Pool) -> None:
    versions = pool.account.ec2.describe_launch_template_versions(LaunchTemplateId=pool.template, Versions=["1"])
    told = versions["LaunchTemplateVersions"][0]["LaunchTemplateData"]
    assert {s["ResourceType"] for s in told["TagSpecifications"]} == {"instance", "volume"}
    made = pool.account.ec2.create_launch_template(
        LaunchTemplateName="tagged",
        LaunchTemplateData={"InstanceType": "t3.medium"},
        TagSpecifications=[{"ResourceType": "launch-template", "Tags": [{"Key": "own", "Value": "1"}]}],
    )["LaunchTemplate"]
    versions = pool.account.ec2.describe_launch_template_versions(
        LaunchTemplateId=made["LaunchTemplateId"], Versions=["1"]
    )
    assert versions["LaunchTemplateVersions"][0]["LaunchTemplateData"] == {"InstanceType": "t3.medium"}


@pytest.mark.fixes("launch_templates")
def test_latest_and_a_number_name_the_version_to_launch(pool: Pool) -> None:
    pool.next_version(InstanceType="t3.large", UserData=base64.b64encode(b"second").decode())
    pool.launch(DesiredCapacity=1)
    pool.launch("fixed", version="1", DesiredCapacity=1)
    (latest,), (fixed,) = pool.described()["Instances"], pool.described("fixed")["Instances"]
    assert (latest["InstanceType"], latest["LaunchTemplate"]["Version"]) == ("t3.large", "2")
    assert (fixed["InstanceType"], fixed["LaunchTemplate"]["Version"]) == ("t3.medium", "1")
    answer = pool.scaling.describe_auto_scaling_instances(InstanceIds=[fixed["InstanceId"]])
    assert answer["AutoScalingInstances"][0]["AutoScalingGroupName"] == "fixed"


@pytest.mark.fixes("scaling_groups")
@pytest.mark.parametrize("end", ["terminate_instances", "stop_instances"])
def test_an_instance_that_is_lost_is_replaced_in_its_zone(pool: Pool, end: str) -> None:
    pool.launch()
    lost = pool.instances()[0]
    getattr(pool.account.ec2, end)(InstanceIds=[lost["InstanceId"]])
    assert lost["InstanceId"] not in pool.ids()
    assert sorted(i["Placement"]["AvailabilityZone"][-1] for i in pool.instances()) == ["a", "b", "c"]


@pytest.mark.fixes("scaling_groups")
def test_desired_minimum_and_maximum_change_the_number(pool: Pool) -> None:
    pool.launch()
    pool.scaling.set_desired_capacity(AutoScalingGroupName="workers", DesiredCapacity=5)
    assert len(pool.ids()) == 5
    pool.scaling.update_auto_scaling_group(AutoScalingGroupName="workers", MaxSize=2)
    assert (len(pool.ids()), pool.described()["DesiredCapacity"]) == (2, 2)
    pool.scaling.update_auto_scaling_group(AutoScalingGroupName="workers", MinSize=4, MaxSize=9)
    assert (len(pool.ids()), pool.described()["DesiredCapacity"]) == (4, 4)
    with refused("ValidationError"):
        pool.scaling.set_desired_capacity(AutoScalingGroupName="workers", DesiredCapacity=10)


@pytest.mark.fixes("scaling_groups")
def test_an_instance_is_pending_until_its_machine_runs_and_terminating_until_it_is_gone(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool.account.api, "_listeners", [lambda: None])
    pool.launch(DesiredCapacity=1)
    (member,) = pool.described()["Instances"]
    assert member["LifecycleState"] == "Pending"
    pool.account.api.finish(member["InstanceId"], "pending")
    assert pool.described()["Instances"][0]["LifecycleState"] == "InService"
    pool.scaling.update_auto_scaling_group(AutoScalingGroupName="workers", MinSize=0, MaxSize=0, DesiredCapacity=0)
    assert pool.described()["Instances"][0]["LifecycleState"] == "Terminating"
    with refused("ScalingActivityInProgress"):
        pool.scaling.delete_auto_scaling_group(AutoScalingGroupName="workers")
    pool.account.api.finish(member["InstanceId"], "shutting-down")
    assert pool.described()["Instances"] == []
    pool.scaling.delete_auto_scaling_group(AutoScalingGroupName="workers")
    assert pool.scaling.describe_auto_scaling_groups()["AutoScalingGroups"] == []


@pytest.mark.fixes("scaling_groups")
def test_a_group_with_instances_is_deleted_only_by_force(pool: Pool) -> None:
    pool.launch()
    with refused("ResourceInUse"):
        pool.scaling.delete_auto_scaling_group(AutoScalingGroupName="workers")
    pool.scaling.delete_auto_scaling_group(AutoScalingGroupName="workers", ForceDelete=True)
    assert pool.scaling.describe_auto_scaling_groups()["AutoScalingGroups"] == []
    states = [i["State"]["Name"] for r in pool.account.ec2.describe_instances()["Reservations"] for i in r["Instances"]]
    assert set(states) == {"terminated"}


@pytest.mark.fixes("scaling_groups")
def test_a_launch_that_fails_is_told_in_the_activities_and_tried_again_after_a_change(pool: Pool) -> None:
    pool.launch(DesiredCapacity=1)
    pool.account.ec2.delete_launch_template(LaunchTemplateId=pool.template)
    pool.scaling.set_desired_capacity(AutoScalingGroupName="workers", DesiredCapacity=2)
    newest = pool.scaling.describe_scaling_activities(AutoScalingGroupName="workers")["Activities"][0]
    assert newest["StatusCode"] == "Failed"
    assert pool.template in newest["StatusMessage"]
    assert len(pool.ids()) == 1


@pytest.mark.fixes("scaling_groups")
@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"ImageId": "ami-00000000000000000"}, "ami-00000000000000000"),
        ({"InstanceType": "t4g.small"}, "architecture"),
        ({"KeyName": "nobody"}, "nobody"),
        ({"SecurityGroupIds": ["sg-0123456789abcdef0"]}, "sg-0123456789abcdef0"),
    ],
)
def test_a_group_that_could_not_launch_is_refused_at_once(pool: Pool, data: dict[str, Any], said: str) -> None:
    pool.next_version(**data)
    with refused("ValidationError") as refusal:
        pool.launch()
    assert said in refusal.message
    assert pool.scaling.describe_auto_scaling_groups()["AutoScalingGroups"] == []


@pytest.mark.fixes("scaling_limits")
@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"HealthCheckType": "ELB"}, "HealthCheckType (ELB)"),
        ({"TargetGroupARNs": ["arn:aws:elasticloadbalancing:eu-central-1:1:targetgroup/a/1"]}, "TargetGroupARNs"),
        ({"TerminationPolicies": ["OldestInstance"]}, "TerminationPolicies"),
        ({"PlacementGroup": "one"}, "PlacementGroup"),
        ({"MaxInstanceLifetime": 86400}, "MaxInstanceLifetime"),
        ({"NewInstancesProtectedFromScaleIn": True}, "NewInstancesProtectedFromScaleIn"),
    ],
)
def test_what_groups_do_not_model_is_refused_by_name(pool: Pool, options: dict[str, Any], named: str) -> None:
    with refused("SandboxNotModelled") as refusal:
        pool.launch(**options)
    assert named in refusal.message


@pytest.mark.fixes("scaling_limits")
def test_calls_that_groups_do_not_model_are_refused_by_name(pool: Pool) -> None:
    pool.launch()
    with refused("SandboxNotModelled") as refusal:
        pool.scaling.suspend_processes(AutoScalingGroupName="workers")
    assert "autoscaling:SuspendProcesses" in refusal.message
    with refused("SandboxNotModelled"):
        pool.scaling.terminate_instance_in_auto_scaling_group(
            InstanceId=min(pool.ids()), ShouldDecrementDesiredCapacity=True
        )
    assert len(pool.ids()) == 3


@pytest.mark.fixes("launch_templates")
def test_what_machines_do_not_model_is_refused_in_a_template_too(pool: Pool) -> None:
    pool.next_version(MetadataOptions={"HttpEndpoint": "disabled"})
    with refused("SandboxNotModelled") as refusal:
        pool.launch()
    assert "MetadataOptions.HttpEndpoint (disabled)" in refusal.message


@pytest.mark.fixes("scaling_groups")
def test_a_second_group_of_one_name_is_refused(pool: Pool) -> None:
    pool.launch()
    with refused("AlreadyExists"):
        pool.launch()


@pytest.mark.fixes("scaling_groups")
def test_a_change_keeps_what_it_does_not_name(pool: Pool) -> None:
    specification = {"LaunchTemplateId": pool.template, "Version": "$Latest"}
    mixed = {
        "LaunchTemplate": {
            "LaunchTemplateSpecification": specification,
            "Overrides": [{"InstanceType": "t3.large"}, {"InstanceType": "t3.medium"}],
        },
        "InstancesDistribution": {"OnDemandBaseCapacity": 1, "OnDemandPercentageAboveBaseCapacity": 0},
    }
    pool.scaling.create_auto_scaling_group(
        AutoScalingGroupName="workers", MinSize=1, MaxSize=4, DesiredCapacity=3, MixedInstancesPolicy=mixed,
        VPCZoneIdentifier=",".join(pool.subnets), HealthCheckGracePeriod=0,
    )  # fmt: skip
    pool.scaling.update_auto_scaling_group(AutoScalingGroupName="workers", MaxSize=5, DefaultCooldown=60)
    found = pool.described()
    assert (found["HealthCheckGracePeriod"], found["DefaultCooldown"]) == (0, 60)
    assert "LaunchTemplate" not in found
    assert found["MixedInstancesPolicy"]["LaunchTemplate"]["Overrides"][0]["InstanceType"] == "t3.large"
    instances = pool.instances()
    assert {i["InstanceType"] for i in instances} == {"t3.large"}
    assert sorted(i.get("InstanceLifecycle", "") for i in instances) == ["", "spot", "spot"]


@pytest.mark.fixes("instance_status")
def test_a_machine_with_failed_hardware_fails_its_status_checks(pool: Pool) -> None:
    pool.launch(DesiredCapacity=1, HealthCheckGracePeriod=300)
    (instance,) = (member["InstanceId"] for member in pool.described()["Instances"])
    pool.account.api.finish(instance, "pending")
    pool.account.api.set_impaired(instance, True)
    (status,) = pool.account.ec2.describe_instance_status(InstanceIds=[instance])["InstanceStatuses"]
    assert {status["InstanceStatus"]["Status"], status["SystemStatus"]["Status"]} == {"impaired"}


@pytest.mark.fixes("scaling_requests")
def test_an_instance_refresh_is_started_and_told_of(pool: Pool) -> None:
    pool.launch(DesiredCapacity=1)
    started = pool.scaling.start_instance_refresh(AutoScalingGroupName="workers")["InstanceRefreshId"]
    told = pool.scaling.describe_instance_refreshes(AutoScalingGroupName="workers")["InstanceRefreshes"]
    assert [refresh["InstanceRefreshId"] for refresh in told] == [started]


@pytest.mark.fixes("instance_profiles")
def test_a_group_is_not_made_with_a_profile_that_is_late_and_a_template_is(pool: Pool) -> None:
    pool.account.api.set_profiles_late(True)
    pool.next_version(InstanceType="t3.small")
    with refused("ValidationError") as refusal:
        pool.launch()
    assert refusal.message.startswith("You must use a valid fully-formed launch template. Value (arn:aws:iam::")
    assert "for parameter iamInstanceProfile.arn is invalid. Invalid IAM Instance Profile ARN" in refusal.message
    pool.account.api.set_profiles_late(False)
    pool.launch()
    assert len(pool.ids()) == 3


@pytest.mark.fixes("lacking_types")
def test_where_a_zone_lacks_the_type_a_groups_launch_fails_and_another_zone_is_tried(pool: Pool) -> None:
    pool.account.api.lack_type("eu-central-1b", "t3.medium")
    pool.launch()
    assert Counter(i["Placement"]["AvailabilityZone"][-1] for i in pool.instances()) == {"a": 2, "c": 1}
    activities = pool.scaling.describe_scaling_activities(AutoScalingGroupName="workers")["Activities"]
    (failed,) = [activity for activity in activities if activity["StatusCode"] == "Failed"]
    assert "t3.medium) is not supported in your requested Availability Zone (eu-central-1b)" in failed["StatusMessage"]


@pytest.mark.fixes("lacking_types")
def test_a_group_in_a_zone_that_lacks_its_type_alone_is_made_and_stays_empty(pool: Pool) -> None:
    pool.account.api.lack_type("eu-central-1b", "t3.medium")
    pool.launch(VPCZoneIdentifier=pool.subnets[1], DesiredCapacity=1)
    assert pool.ids() == set()
