"""NAT gateways, gateway endpoints and reserved addresses."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.tests.cloud.api.account import Account, refused


@pytest.fixture
def vpc(account: Account) -> str:
    made = account.vpc()
    account.gateway(made)
    return made


@pytest.fixture
def subnet(account: Account, vpc: str) -> str:
    return account.subnet(vpc)


def address(account: Account) -> str:
    return str(account.ec2.allocate_address(Domain="vpc")["AllocationId"])


def nat(account: Account, subnet: str, allocation: str) -> str:
    made = account.ec2.create_nat_gateway(SubnetId=subnet, AllocationId=allocation)
    return str(made["NatGateway"]["NatGatewayId"])


def table(account: Account, vpc: str) -> str:
    return str(account.ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"])


def targets(account: Account, table_id: str) -> set[str]:
    routes = account.ec2.describe_route_tables(RouteTableIds=[table_id])["RouteTables"][0]["Routes"]
    return {route.get("GatewayId") or route.get("NatGatewayId") for route in routes} - {"local"}


def endpoint(account: Account, vpc: str, *tables: str, **options: Any) -> str:
    told = {"ServiceName": "com.amazonaws.eu-central-1.s3", "VpcEndpointType": "Gateway"}
    made = account.ec2.create_vpc_endpoint(VpcId=vpc, RouteTableIds=list(tables), **told | options)
    return str(made["VpcEndpoint"]["VpcEndpointId"])


@pytest.mark.fixes("nat_gateways")
def test_a_nat_gateway_gives_back_its_address_and_interface(account: Account, subnet: str) -> None:
    allocation = address(account)
    gateway = nat(account, subnet, allocation)
    (told,) = account.ec2.describe_nat_gateways(NatGatewayIds=[gateway])["NatGateways"]
    assert (told["AvailabilityMode"], told["NatGatewayAddresses"][0]["IsPrimary"]) == ("zonal", True)
    assert account.ec2.describe_addresses()["Addresses"][0]["AssociationId"]
    account.ec2.delete_nat_gateway(NatGatewayId=gateway)
    assert account.ec2.describe_network_interfaces()["NetworkInterfaces"] == []
    account.ec2.release_address(AllocationId=allocation)
    with refused("NatGatewayNotFound"):
        account.ec2.delete_nat_gateway(NatGatewayId=gateway)


@pytest.mark.fixes("nat_gateways")
def test_a_nat_gateway_needs_an_address(account: Account, subnet: str) -> None:
    with refused("InvalidParameterCombination"):
        account.ec2.create_nat_gateway(SubnetId=subnet)


@pytest.mark.fixes("nat_gateways")
def test_a_route_needs_a_nat_gateway_that_is_there(account: Account, vpc: str) -> None:
    with refused("NatGatewayNotFound"):
        account.ec2.create_route(
            RouteTableId=table(account, vpc), DestinationCidrBlock="0.0.0.0/0", NatGatewayId="nat-0123456789abcdef0"
        )


@pytest.mark.fixes("nat_gateways")
def test_a_private_nat_gateway_is_refused_by_name(account: Account, subnet: str) -> None:
    with refused("SandboxNotModelled") as refusal:
        account.ec2.create_nat_gateway(SubnetId=subnet, ConnectivityType="private")
    assert "ConnectivityType (private)" in refusal.message


@pytest.mark.fixes("vpc_endpoints")
def test_the_routes_of_an_endpoint_follow_its_tables_and_go_with_it(account: Account, vpc: str) -> None:
    first, second = table(account, vpc), table(account, vpc)
    made = endpoint(account, vpc, first)
    account.ec2.modify_vpc_endpoint(VpcEndpointId=made, AddRouteTableIds=[second], RemoveRouteTableIds=[first])
    assert (targets(account, first), targets(account, second)) == (set(), {made})
    account.ec2.delete_vpc_endpoints(VpcEndpointIds=[made])
    assert targets(account, second) == set()
    assert account.ec2.describe_vpc_endpoints()["VpcEndpoints"] == []


@pytest.mark.fixes("vpc_endpoints")
def test_an_endpoint_outlives_its_route_table(account: Account, vpc: str) -> None:
    first = table(account, vpc)
    made = endpoint(account, vpc, first)
    account.ec2.delete_route_table(RouteTableId=first)
    account.ec2.delete_vpc_endpoints(VpcEndpointIds=[made])


@pytest.mark.fixes("vpc_endpoints")
def test_an_endpoint_that_fails_leaves_no_route(account: Account, vpc: str) -> None:
    first = table(account, vpc)
    with refused("InvalidParameter"):
        endpoint(account, vpc, first, table(account, account.vpc()))
    assert targets(account, first) == set()


@pytest.mark.fixes("vpc_endpoints")
@pytest.mark.parametrize(
    "options",
    [
        {"ServiceName": "com.amazonaws.eu-central-1.ssm", "VpcEndpointType": "Interface"},
        {"ServiceName": "com.amazonaws.eu-central-1.dynamodb"},
        {"PolicyDocument": '{"Version": "2012-10-17", "Statement": []}'},
    ],
)
def test_an_endpoint_without_anything_behind_it_is_refused_by_name(
    account: Account, vpc: str, options: dict[str, str]
) -> None:
    with refused("SandboxNotModelled"):
        endpoint(account, vpc, **options)


@pytest.mark.fixes("address_reservations")
def test_reserved_addresses_are_given_only_to_who_asks_for_one(account: Account, subnet: str) -> None:
    made = account.ec2.create_subnet_cidr_reservation(
        SubnetId=subnet, Cidr="10.50.1.0/28", ReservationType="explicit", Description="fixed"
    )["SubnetCidrReservation"]
    assert made["Description"] == "fixed"
    assert account.described(account.instance(SubnetId=subnet))["PrivateIpAddress"] == "10.50.1.16"
    account.instance(SubnetId=subnet, PrivateIpAddress="10.50.1.8")
    account.ec2.delete_subnet_cidr_reservation(SubnetCidrReservationId=made["SubnetCidrReservationId"])
    assert account.described(account.instance(SubnetId=subnet))["PrivateIpAddress"] == "10.50.1.4"
