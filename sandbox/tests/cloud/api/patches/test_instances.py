from __future__ import annotations

import base64
import datetime
from typing import Any

import pytest
from moto.core.utils import utcnow
from moto.iam.models import iam_backends

from sandbox.tests.cloud.api.account import Account, refused


@pytest.fixture
def subnet(account: Account) -> str:
    return account.subnet(account.vpc(), zone="b")


def attribute(account: Account, instance: str, name: str, member: str) -> Any:
    return account.ec2.describe_instance_attribute(InstanceId=instance, Attribute=name)[member]["Value"]


def state(account: Account, instance: str) -> str:
    return str(account.described(instance)["State"]["Name"])


@pytest.mark.fixes("primary_interface")
def test_an_instance_is_in_the_zone_and_groups_of_its_interface(account: Account, subnet: str) -> None:
    vpc = account.ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["VpcId"]
    group = account.group(vpc)
    found = account.described(account.instance_on(account.interface(subnet, Groups=[group])))
    assert found["Placement"]["AvailabilityZone"].endswith("b")
    assert [g["GroupId"] for g in found["SecurityGroups"]] == [group]
    assert found["SubnetId"] == subnet


@pytest.mark.fixes("primary_interface")
def test_groups_changed_on_the_interface_are_the_instances_and_only_those(account: Account, subnet: str) -> None:
    vpc = account.ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["VpcId"]
    first, second = account.group(vpc, "first"), account.group(vpc, "second")
    interface = account.interface(subnet, Groups=[first])
    instance = account.instance_on(interface)
    account.ec2.modify_network_interface_attribute(NetworkInterfaceId=interface, Groups=[second])
    found = account.ec2.describe_network_interfaces(NetworkInterfaceIds=[interface])["NetworkInterfaces"][0]
    assert [g["GroupId"] for g in found["Groups"]] == [second]
    assert [g["GroupId"] for g in account.described(instance)["SecurityGroups"]] == [second]


@pytest.mark.fixes("primary_interface")
def test_source_destination_check_of_instance_and_interface_are_one(account: Account, subnet: str) -> None:
    interface = account.interface(subnet)
    instance = account.instance_on(interface)
    account.ec2.modify_instance_attribute(InstanceId=instance, SourceDestCheck={"Value": False})
    found = account.ec2.describe_network_interfaces(NetworkInterfaceIds=[interface])["NetworkInterfaces"][0]
    assert found["SourceDestCheck"] is False


@pytest.mark.fixes("primary_interface")
def test_a_private_instance_shows_no_public_association(account: Account, subnet: str) -> None:
    interface = account.described(account.instance(SubnetId=subnet))["NetworkInterfaces"][0]
    assert "Association" not in interface


@pytest.mark.fixes("primary_interface")
def test_an_interface_in_use_is_neither_used_again_nor_deleted(account: Account, subnet: str) -> None:
    interface = account.interface(subnet)
    account.instance_on(interface)
    with refused("InvalidNetworkInterface.InUse"):
        account.instance_on(interface)
    with refused("InvalidParameterValue"):
        account.ec2.delete_network_interface(NetworkInterfaceId=interface)


@pytest.mark.fixes("instance_lifecycle")
def test_an_interface_outlives_its_instance_and_can_be_deleted_then(account: Account, subnet: str) -> None:
    interface = account.interface(subnet)
    instance = account.instance_on(interface)
    account.ec2.terminate_instances(InstanceIds=[instance])
    assert account.ec2.describe_network_interfaces()["NetworkInterfaces"][0]["Status"] == "available"
    account.instance_on(interface)


@pytest.mark.fixes("primary_interface")
def test_unknown_groups_and_groups_of_another_network_are_refused(account: Account, subnet: str) -> None:
    with refused("InvalidGroup.NotFound"):
        account.interface(subnet, Groups=["sg-0123456789abcdef0"])
    with refused("InvalidParameter"):
        account.interface(subnet, Groups=[account.group(account.vpc())])


@pytest.mark.fixes("instance_lifecycle")
def test_in_between_states_last_until_the_machine_is_there_or_gone(
    account: Account, subnet: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account.api, "_listeners", [lambda: None])
    interface = account.interface(subnet)
    instance = account.instance_on(interface)
    assert state(account, instance) == "pending"
    account.api.finish(instance, "pending")
    assert state(account, instance) == "running"
    account.ec2.stop_instances(InstanceIds=[instance])
    assert state(account, instance) == "stopping"
    account.api.finish(instance, "stopping")
    account.ec2.terminate_instances(InstanceIds=[instance])
    assert state(account, instance) == "shutting-down"
    with refused("InvalidNetworkInterface.InUse"):
        account.instance_on(interface)
    account.api.finish(instance, "shutting-down")
    assert state(account, instance) == "terminated"
    account.instance_on(interface)


@pytest.mark.fixes("instance_lifecycle")
def test_a_terminated_instance_cannot_be_started(account: Account, subnet: str) -> None:
    instance = account.instance(SubnetId=subnet)
    account.ec2.terminate_instances(InstanceIds=[instance])
    with refused("IncorrectInstanceState"):
        account.ec2.start_instances(InstanceIds=[instance])


@pytest.mark.fixes("instance_options")
def test_termination_protection_given_at_launch_holds(account: Account, subnet: str) -> None:
    instance = account.instance(SubnetId=subnet, DisableApiTermination=True)
    assert attribute(account, instance, "disableApiTermination", "DisableApiTermination") is True
    with refused("OperationNotPermitted"):
        account.ec2.terminate_instances(InstanceIds=[instance])


@pytest.mark.fixes("instance_options")
def test_credits_are_as_launched_and_else_as_the_family_has_them(account: Account, subnet: str) -> None:
    told = account.instance(SubnetId=subnet, CreditSpecification={"CpuCredits": "standard"})
    untold = account.instance(SubnetId=subnet)
    answer = account.ec2.describe_instance_credit_specifications(InstanceIds=[told, untold])
    found = {item["InstanceId"]: item["CpuCredits"] for item in answer["InstanceCreditSpecifications"]}
    assert found == {told: "standard", untold: "unlimited"}


@pytest.mark.fixes("instance_attributes")
def test_user_data_of_any_bytes_can_be_changed_while_stopped(account: Account, subnet: str) -> None:
    instance = account.instance(SubnetId=subnet, UserData="first")
    content = bytes([0x1F, 0x8B, 0xFF, 0x00])
    with refused("IncorrectInstanceState"):
        account.ec2.modify_instance_attribute(InstanceId=instance, UserData={"Value": content})
    account.ec2.stop_instances(InstanceIds=[instance])
    account.ec2.modify_instance_attribute(InstanceId=instance, UserData={"Value": content})
    assert base64.b64decode(attribute(account, instance, "userData", "UserData")) == content


@pytest.mark.fixes("instance_attributes")
def test_the_type_of_a_running_instance_cannot_be_changed(account: Account, subnet: str) -> None:
    instance = account.instance(SubnetId=subnet)
    with refused("IncorrectInstanceState"):
        account.ec2.modify_instance_attribute(InstanceId=instance, InstanceType={"Value": "t3.xlarge"})


NAMED = {
    "arn": {"Arn": "arn:aws:iam::123456789012:instance-profile/worker"},
    "name": {"Name": "worker"},
}


@pytest.mark.fixes("instance_profiles")
@pytest.mark.parametrize(("member", "called"), [("arn", "ARN"), ("name", "name")])
def test_an_instance_profile_that_does_not_exist_is_refused_in_the_words_of_ec2(
    account: Account, subnet: str, member: str, called: str
) -> None:
    with refused("InvalidParameterValue") as refusal:
        account.instance(SubnetId=subnet, IamInstanceProfile=NAMED[member])
    (told,) = NAMED[member].values()
    assert refusal.message == (
        f"Value ({told}) for parameter iamInstanceProfile.{member} is invalid. Invalid IAM Instance Profile {called}"
    )


def aged(name: str, seconds: float, *kinds: str) -> None:
    """The profile or the role, or both, of this name were made so long ago."""
    backend = iam_backends["123456789012"]["aws"]
    of = {"profile": backend.get_instance_profile, "role": backend.get_role}
    for kind in kinds:
        of[kind](name).create_date = utcnow() - datetime.timedelta(seconds=seconds)


@pytest.mark.fixes("instance_profiles")
def test_while_profiles_are_late_ec2_does_not_know_a_young_one(account: Account, subnet: str) -> None:
    arn = account.profile("worker")
    instance = account.instance(SubnetId=subnet)
    account.api.set_profiles_late(True)
    for seconds, kinds in ((0.0, ("profile", "role")), (16.0, ("profile",))):
        aged("worker", seconds, *kinds)
        with refused("InvalidParameterValue"):
            account.instance(SubnetId=subnet, IamInstanceProfile={"Arn": arn})
        with refused("InvalidParameterValue") as refusal:
            account.ec2.associate_iam_instance_profile(InstanceId=instance, IamInstanceProfile=NAMED["name"])
        assert "Invalid IAM Instance Profile name" in refusal.message
    aged("worker", 16.0, "role")
    account.ec2.associate_iam_instance_profile(InstanceId=instance, IamInstanceProfile=NAMED["name"])
    account.instance(SubnetId=subnet, IamInstanceProfile={"Arn": arn})


@pytest.mark.fixes("instance_profiles")
def test_young_profiles_are_known_as_soon_as_that_is_healed(account: Account, subnet: str) -> None:
    arn = account.profile("worker")
    account.api.set_profiles_late(True)
    with refused("InvalidParameterValue"):
        account.instance(SubnetId=subnet, IamInstanceProfile={"Arn": arn})
    account.api.set_profiles_late(False)
    assert account.described(account.instance(SubnetId=subnet, IamInstanceProfile={"Arn": arn}))


def offers(account: Account, kind: str, **filters: str) -> set[str]:
    told = [{"Name": name.replace("_", "-"), "Values": [value]} for name, value in filters.items()]
    found = account.ec2.describe_instance_type_offerings(LocationType=kind, Filters=told)["InstanceTypeOfferings"]
    return {offering["Location"] for offering in found}


@pytest.mark.fixes("lacking_types")
def test_a_zone_that_lacks_a_type_neither_offers_nor_launches_it(account: Account, vpc: str) -> None:
    first, second = account.subnet(vpc), account.subnet(vpc, "10.50.2.0/24", "b")
    ids = {z["ZoneName"]: z["ZoneId"] for z in account.ec2.describe_availability_zones()["AvailabilityZones"]}
    account.api.lack_type("eu-central-1b", "t3.large")
    zones = offers(account, "availability-zone", instance_type="t3.large")
    assert zones == {"eu-central-1a", "eu-central-1c"}
    assert offers(account, "availability-zone-id", instance_type="t3.large") == {ids[zone] for zone in zones}
    assert offers(account, "region", instance_type="t3.large") == {"eu-central-1"}
    assert offers(account, "availability-zone", instance_type="t3.small") == set(ids)
    with refused("Unsupported") as refusal:
        account.instance(SubnetId=second)
    assert refusal.message == (
        "Your requested instance type (t3.large) is not supported in your requested Availability Zone (eu-central-1b). "
        "Please retry your request by not specifying an Availability Zone or choosing eu-central-1a, eu-central-1c."
    )
    account.instance(SubnetId=first)
    account.instance(SubnetId=second, InstanceType="t3.small")
    account.api.have_all_types("eu-central-1b")
    account.instance(SubnetId=second)


@pytest.mark.fixes("instance_attributes")
def test_a_replaced_profile_is_the_instances(account: Account, subnet: str) -> None:
    first, second = account.profile("first"), account.profile("second")
    instance = account.instance(SubnetId=subnet, IamInstanceProfile={"Arn": first})
    association = account.ec2.describe_iam_instance_profile_associations()["IamInstanceProfileAssociations"][0]
    account.ec2.replace_iam_instance_profile_association(
        AssociationId=association["AssociationId"], IamInstanceProfile={"Arn": second}
    )
    assert account.described(instance)["IamInstanceProfile"]["Arn"] == second


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"ImageId": "ami-00000000000000000"}, "InvalidAMIID.NotFound"),
        ({"KeyName": "nobody"}, "InvalidKeyPair.NotFound"),
        ({"InstanceType": "t3.enormous"}, "InvalidParameterValue"),
        ({"InstanceType": "t4g.small"}, "InvalidParameterValue"),
        ({"UserData": "x" * 16385}, "InvalidParameterValue"),
        ({"BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 4}}]}, "InvalidBlockDeviceMapping"),
    ],
)
@pytest.mark.fixes("launch_checks")
def test_a_launch_that_aws_refuses_is_refused(
    account: Account, subnet: str, options: dict[str, Any], code: str
) -> None:
    with refused(code):
        account.instance(SubnetId=subnet, **options)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"MetadataOptions": {"HttpEndpoint": "disabled"}}, "MetadataOptions.HttpEndpoint (disabled)"),
        ({"Placement": {"Tenancy": "dedicated"}}, "Placement.Tenancy (dedicated)"),
        ({"InstanceMarketOptions": {"MarketType": "spot"}}, "InstanceMarketOptions"),
        ({"MaxCount": 2}, "MaxCount"),
    ],
)
@pytest.mark.fixes("launch_limits")
def test_a_launch_that_the_sandbox_cannot_honour_is_refused_by_name(
    account: Account, subnet: str, options: dict[str, Any], named: str
) -> None:
    with refused("SandboxNotModelled") as refusal:
        account.instance(SubnetId=subnet, **options)
    assert named in refusal.message


@pytest.mark.fixes("instance_attributes")
def test_metadata_options_that_a_change_leaves_open_stay(account: Account, subnet: str) -> None:
    instance = account.instance(SubnetId=subnet, MetadataOptions={"HttpTokens": "required"})
    account.ec2.modify_instance_metadata_options(InstanceId=instance, HttpPutResponseHopLimit=2)
    found = account.described(instance)["MetadataOptions"]
    assert (found["HttpTokens"], found["HttpPutResponseHopLimit"]) == ("required", 2)
