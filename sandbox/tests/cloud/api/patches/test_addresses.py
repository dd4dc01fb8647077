from __future__ import annotations

import pytest

from sandbox.tests.cloud.api.account import Account, refused


def addresses(account: Account) -> list[str]:
    return [found["PrivateIpAddress"] for found in account.ec2.describe_network_interfaces()["NetworkInterfaces"]]


@pytest.mark.fixes("private_addresses")
def test_interfaces_get_the_lowest_free_addresses_after_the_reserved_four(account: Account) -> None:
    subnet = account.subnet(account.vpc(), "10.50.1.0/28")
    for _ in range(11):
        account.interface(subnet)
    assert sorted(addresses(account)) == sorted(f"10.50.1.{number}" for number in range(4, 15))
    with refused("InsufficientFreeAddressesInSubnet"):
        account.interface(subnet)


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("10.50.1.3", "InvalidParameterValue"),
        ("10.50.1.255", "InvalidParameterValue"),
        ("10.50.2.10", "InvalidParameterValue"),
        ("10.50.1.10", "InvalidIPAddress.InUse"),
    ],
)
@pytest.mark.fixes("private_addresses")
def test_an_address_that_is_reserved_elsewhere_or_in_use_is_refused(account: Account, address: str, code: str) -> None:
    subnet = account.subnet(account.vpc())
    account.interface(subnet, PrivateIpAddress="10.50.1.10")
    with refused(code):
        account.interface(subnet, PrivateIpAddress=address)
    with refused(code):
        account.instance(SubnetId=subnet, PrivateIpAddress=address)


@pytest.mark.fixes("private_addresses")
def test_a_fixed_address_is_free_again_when_its_instance_is_gone(account: Account) -> None:
    subnet = account.subnet(account.vpc())
    for _ in range(2):
        first = account.instance(SubnetId=subnet, PrivateIpAddress="10.50.1.20")
        account.ec2.terminate_instances(InstanceIds=[first])
    assert addresses(account) == []


@pytest.mark.fixes("private_addresses")
def test_a_nat_gateway_has_an_address_of_its_subnet(account: Account) -> None:
    vpc = account.vpc()
    account.gateway(vpc)
    subnet = account.subnet(vpc)
    allocation = account.ec2.allocate_address(Domain="vpc")["AllocationId"]
    made = account.ec2.create_nat_gateway(SubnetId=subnet, AllocationId=allocation)["NatGateway"]["NatGatewayId"]
    found = account.ec2.describe_nat_gateways(NatGatewayIds=[made])["NatGateways"][0]["NatGatewayAddresses"][0]
    assert found["PrivateIp"] == "10.50.1.4"


@pytest.mark.fixes("public_addresses")
def test_public_addresses_come_from_the_pool_and_return_to_it(account: Account) -> None:
    vpc = account.vpc()
    account.gateway(vpc)
    first = account.ec2.allocate_address(Domain="vpc")
    automatic = account.instance(
        NetworkInterfaces=[{"DeviceIndex": 0, "SubnetId": account.subnet(vpc), "AssociatePublicIpAddress": True}]
    )
    assert first["PublicIp"] == "198.51.100.1"
    assert account.described(automatic)["PublicIpAddress"] == "198.51.100.2"
    account.ec2.release_address(AllocationId=first["AllocationId"])
    assert account.ec2.allocate_address(Domain="vpc")["PublicIp"] == "198.51.100.1"


@pytest.mark.fixes("elastic_addresses")
def test_an_elastic_address_that_moves_leaves_the_first_interface(account: Account) -> None:
    vpc = account.vpc()
    account.gateway(vpc)
    subnet = account.subnet(vpc)
    first, second = account.interface(subnet), account.interface(subnet)
    allocation = account.ec2.allocate_address(Domain="vpc")["AllocationId"]
    account.ec2.associate_address(AllocationId=allocation, NetworkInterfaceId=first)
    account.ec2.associate_address(AllocationId=allocation, NetworkInterfaceId=second, AllowReassociation=True)
    found = account.ec2.describe_network_interfaces(NetworkInterfaceIds=[first, second])["NetworkInterfaces"]
    assert {eni["NetworkInterfaceId"] for eni in found if eni.get("Association", {}).get("PublicIp")} == {second}


@pytest.mark.fixes("elastic_addresses")
def test_an_elastic_address_of_an_interface_shows_the_instance(account: Account) -> None:
    vpc = account.vpc()
    account.gateway(vpc)
    interface = account.interface(account.subnet(vpc))
    allocation = account.ec2.allocate_address(Domain="vpc")["AllocationId"]
    account.ec2.associate_address(AllocationId=allocation, NetworkInterfaceId=interface)
    instance = account.instance_on(interface)
    assert account.ec2.describe_addresses()["Addresses"][0]["InstanceId"] == instance


@pytest.mark.fixes("elastic_addresses")
def test_an_elastic_address_needs_an_internet_gateway(account: Account) -> None:
    interface = account.interface(account.subnet(account.vpc()))
    allocation = account.ec2.allocate_address(Domain="vpc")["AllocationId"]
    with refused("Gateway.NotAttached"):
        account.ec2.associate_address(AllocationId=allocation, NetworkInterfaceId=interface)
