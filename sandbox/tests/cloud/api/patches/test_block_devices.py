from __future__ import annotations

from typing import Any

import pytest

from sandbox.cloud.api import seeds
from sandbox.tests.cloud.api.account import Account, refused


@pytest.fixture
def subnet(account: Account) -> str:
    return account.subnet(account.vpc(), zone="b")


def disks(account: Account, instance: str) -> dict[str, Any]:
    """The volumes of an instance by device name."""
    found = account.ec2.describe_volumes(Filters=[{"Name": "attachment.instance-id", "Values": [instance]}])["Volumes"]
    return {volume["Attachments"][0]["Device"]: volume for volume in found}


def volume(account: Account, zone: str = "b", **options: Any) -> str:
    made = account.ec2.create_volume(AvailabilityZone=f"eu-central-1{zone}", Size=20, VolumeType="gp3", **options)
    return str(made["VolumeId"])


@pytest.mark.fixes("block_devices")
def test_an_instance_has_one_root_disk_as_its_image_says(account: Account, subnet: str) -> None:
    found = disks(account, account.instance(SubnetId=subnet))
    assert {device: (v["Size"], v["VolumeType"]) for device, v in found.items()} == {"/dev/xvda": (8, "gp3")}


@pytest.mark.fixes("block_devices")
def test_a_root_disk_comes_beside_the_disks_that_a_launch_asks_for(account: Account, subnet: str) -> None:
    extra = [{"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 20}}]
    assert set(disks(account, account.instance(SubnetId=subnet, BlockDeviceMappings=extra))) == {
        "/dev/xvda",
        "/dev/sdf",
    }


@pytest.mark.fixes("block_devices")
def test_what_a_launch_asks_of_the_root_disk_is_read_back(account: Account, subnet: str) -> None:
    asked = {"VolumeSize": 30, "VolumeType": "gp3", "Encrypted": True, "Iops": 3500, "Throughput": 200}
    root = disks(
        account,
        account.instance(SubnetId=subnet, BlockDeviceMappings=[{"DeviceName": "/dev/xvda", "Ebs": asked}]),
    )["/dev/xvda"]
    read = {"VolumeSize": root["Size"], **{key: root[key] for key in asked.keys() - {"VolumeSize"}}}
    assert read == asked
    assert root["AvailabilityZone"] == "eu-central-1b"


@pytest.mark.fixes("block_devices")
def test_a_root_disk_goes_with_its_instance_and_other_disks_stay(account: Account, subnet: str) -> None:
    asked = [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 30}}]
    instance = account.instance(SubnetId=subnet, BlockDeviceMappings=asked)
    kept = volume(account)
    account.ec2.attach_volume(VolumeId=kept, InstanceId=instance, Device="/dev/sdf")
    account.ec2.terminate_instances(InstanceIds=[instance])
    found = account.ec2.describe_volumes()["Volumes"]
    assert [(v["VolumeId"], v["State"]) for v in found] == [(kept, "available")]


@pytest.mark.fixes("block_devices")
def test_gp3_volumes_have_a_throughput_and_gp2_volumes_iops(account: Account) -> None:
    volume(account)
    account.ec2.create_volume(AvailabilityZone="eu-central-1a", Size=100, VolumeType="gp2")
    found = {v["VolumeType"]: v for v in account.ec2.describe_volumes()["Volumes"]}
    assert found["gp3"]["Throughput"] == 125
    assert found["gp2"]["Iops"] == 300


@pytest.mark.fixes("block_devices")
def test_attachments_that_aws_refuses_are_refused(account: Account, subnet: str) -> None:
    instance = account.instance(SubnetId=subnet)
    first, second, elsewhere = volume(account), volume(account), volume(account, "a")
    account.ec2.attach_volume(VolumeId=first, InstanceId=instance, Device="/dev/sdf")
    with refused("VolumeInUse"):
        account.ec2.attach_volume(VolumeId=first, InstanceId=account.instance(SubnetId=subnet), Device="/dev/sdf")
    with refused("InvalidParameterValue"):
        account.ec2.attach_volume(VolumeId=second, InstanceId=instance, Device="/dev/sdf")
    with refused("InvalidVolume.ZoneMismatch"):
        account.ec2.attach_volume(VolumeId=elsewhere, InstanceId=instance, Device="/dev/sdg")


@pytest.mark.fixes("block_devices")
def test_a_root_disk_stays_on_a_running_instance(account: Account, subnet: str) -> None:
    instance = account.instance(SubnetId=subnet)
    root = disks(account, instance)["/dev/xvda"]["VolumeId"]
    with refused("OperationNotPermitted"):
        account.ec2.detach_volume(VolumeId=root)


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        ([], {"/dev/xvda": 8}),
        ([{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 30}}], {"/dev/xvda": 30}),
        ([{"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 20}}], {"/dev/xvda": 8, "/dev/sdf": 20}),
    ],
    ids=["none", "root", "extra"],
)
@pytest.mark.fixes("block_devices")
def test_an_instance_of_a_template_has_one_root_disk_and_the_templates_disks(
    account: Account, subnet: str, listed: list[dict[str, Any]], expected: dict[str, int]
) -> None:
    data = {"ImageId": seeds.DEBIAN_IMAGE, "InstanceType": "t3.large", "BlockDeviceMappings": listed}
    account.ec2.create_launch_template(LaunchTemplateName="workers", LaunchTemplateData=data)
    made = account.ec2.run_instances(
        LaunchTemplate={"LaunchTemplateName": "workers"}, SubnetId=subnet, MinCount=1, MaxCount=1
    )
    found = disks(account, made["Instances"][0]["InstanceId"])
    assert {device: volume["Size"] for device, volume in found.items()} == expected
