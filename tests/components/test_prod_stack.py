"""What `prod` declares: three zones, private machines, load balancers, and the order in which they become a cluster."""

from __future__ import annotations

import dataclasses
import itertools
from collections import UserDict
from typing import Any

import pytest
import yaml

from components.cluster import Cluster
from components.settings.model import EtcdSettings
from components.timings import API_SHUTDOWN_DELAY, api_grace
from tests.components.education import ANSWERS, outputs
from tests.components.recording import Recording, record
from tests.components.stacks import COMMAND, GROUP, INSTANCE, TARGET, TEMPLATE, recorded, settings_of, varied, waits_for

# Each records the stack once more, with something changed.
another_prod = pytest.mark.slow


class PublishingImages(UserDict[str, Any]):
    """Answers of an account in which a newer image is published after each that was asked for."""

    published = 0

    def __getitem__(self, token: str) -> Any:
        if token != "aws:ssm/getParameter:getParameter":
            return super().__getitem__(token)
        self.published += 1
        return {"insecureValue": f"ami-{self.published}"}


@pytest.fixture
def prod() -> Recording:
    return recorded("prod")


def test_prod_spreads_its_machines_over_three_zones(prod: Recording) -> None:
    for kind in ("control-plane", "etcd"):
        interfaces = [
            prod.named("aws:ec2/networkInterface:NetworkInterface", f"prod-{kind}-{n}-interface") for n in range(3)
        ]
        assert [i.inputs["subnetId"] for i in interfaces] == [f"prod-network-private-{n}-id" for n in range(3)]
    zones = [v.inputs["availabilityZone"] for v in prod.of_type("aws:ebs/volume:Volume")]
    assert zones == ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
    (group,) = prod.of_type(GROUP)
    assert len(group.inputs["vpcZoneIdentifiers"]) == 3


def test_prod_has_public_addresses_for_its_bastion_and_its_nat_gateways_only(prod: Recording) -> None:
    names = [address.name for address in prod.of_type("aws:ec2/eip:Eip")]
    assert names == ["prod-bastion-address", *(f"prod-network-private-nat-{n}" for n in range(3))]
    (template,) = prod.of_type(TEMPLATE)
    assert template.inputs["networkInterfaces"][0]["associatePublicIpAddress"] == "false"


def test_all_new_machines_boot_from_one_image_even_if_a_newer_one_is_published_meanwhile() -> None:
    def program() -> None:
        Cluster("dev", settings_of("dev"))

    dev = record(program, outputs, PublishingImages(ANSWERS))
    (template,) = dev.of_type(TEMPLATE)
    assert {template.inputs["imageId"], *(machine.inputs["ami"] for machine in dev.of_type(INSTANCE))} == {"ami-1"}


def test_each_private_subnet_leaves_by_the_gateway_of_its_zone(prod: Recording) -> None:
    for number in range(3):
        route = prod.named("aws:ec2/route:Route", f"prod-network-private-{number}-default")
        assert route.inputs["natGatewayId"] == f"prod-network-private-nat-{number}-id"
        gateway = prod.named("aws:ec2/natGateway:NatGateway", f"prod-network-private-nat-{number}")
        assert gateway.inputs["subnetId"] == f"prod-network-public-{number}-id"


def test_private_machines_boot_when_they_have_a_way_out_and_who_may_reach_whom_is_settled(prod: Recording) -> None:
    (group,) = prod.of_type(GROUP)
    rules = prod.of_type("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule")
    for machine in [*prod.of_type(INSTANCE), group]:
        assert waits_for(prod, machine, "aws:ec2/route:Route prod-network-private-2-default")
        assert all(waits_for(prod, machine, rule.key) for rule in rules)


def test_nothing_takes_an_address_of_a_machine_before_it_is_reserved(prod: Recording) -> None:
    reserved = prod.of_type("aws:ec2/subnetCidrReservation:SubnetCidrReservation")
    assert len(reserved) == 3
    for taker in [*prod.of_type("aws:lb/loadBalancer:LoadBalancer"), *prod.of_type(GROUP)]:
        assert all(waits_for(prod, taker, reservation.key) for reservation in reserved)


def test_only_what_asks_for_the_apis_name_waits_for_its_record(prod: Recording) -> None:
    slow = [*prod.of_type("aws:route53/zone:Zone"), *prod.of_type("aws:route53/record:Record")]
    entering = [prod.named(COMMAND, f"prod-control-plane-{number}-configure") for number in range(3)]
    free = [*prod.of_type(INSTANCE), *prod.of_type(GROUP), *entering]
    assert [one.name for one in free for other in slow if waits_for(prod, one, other.key)] == []
    # They follow DNS, and let workers in, who know the API by its name alone.
    asking = [prod.named(COMMAND, f"prod-control-plane-{number}-endpoint") for number in range(3)]
    assert [one.name for one in asking for other in slow if not waits_for(prod, one, other.key)] == []


def test_machines_are_reached_through_the_bastion_with_its_key_pinned(prod: Recording) -> None:
    for command in prod.of_type(COMMAND):
        connection = command.inputs["connection"].value
        assert connection["proxy"]["hostKey"] == "ssh-ed25519 AAAAprod-bastion-host-key-key\n"
        assert connection["proxy"]["host"] == "198.51.100.7"
        assert connection["host"].startswith("10.22."), "a private address"
        assert waits_for(prod, command, f"{INSTANCE} prod-bastion-instance")


def test_etcd_members_start_at_once_then_init_then_all_joins_at_once(prod: Recording) -> None:
    members = [prod.named(COMMAND, f"prod-etcd-{n}-configure") for n in range(3)]
    first, *others = (prod.named(COMMAND, f"prod-control-plane-{n}-configure") for n in range(3))
    for member in members:
        assert not any(waits_for(prod, member, other.key) for other in members if other is not member)
        assert waits_for(prod, first, member.key)
    for other in others:
        assert waits_for(prod, other, first.key)
    assert not waits_for(prod, others[1], others[0].key)


@another_prod
def test_with_etcd_beside_them_control_planes_join_one_at_a_time() -> None:
    settings = dataclasses.replace(settings_of("prod"), etcd=EtcdSettings())

    def program() -> None:
        Cluster("prod", settings)

    stacked = record(program, outputs, ANSWERS)
    names = [f"{COMMAND} prod-control-plane-{n}-configure" for n in range(3)]
    for earlier, later in itertools.pairwise(names):
        assert waits_for(stacked, stacked.resources[later], earlier)
    assert not [r.key for r in stacked.resources.values() if "etcd-0" in r.name]
    assert len(stacked.of_type("aws:ebs/volume:Volume")) == 3


@pytest.mark.parametrize("kind", ["internal", "public"])
def test_the_first_control_plane_is_a_target_before_init_the_others_after_they_joined(
    prod: Recording, kind: str
) -> None:
    init = prod.named(COMMAND, "prod-control-plane-0-configure")
    targets = [prod.named(TARGET, f"prod-api-{kind}-control-plane-{n}") for n in range(3)]
    assert waits_for(prod, init, targets[0].key)
    assert not waits_for(prod, targets[0], init.key)
    for number in (1, 2):
        assert waits_for(prod, targets[number], f"{COMMAND} prod-control-plane-{number}-configure")


def test_joins_wait_for_no_load_balancer_and_all_reach_the_api_through_it_before_the_network_plugin_comes(
    prod: Recording,
) -> None:
    listener = "aws:lb/listener:Listener prod-api-internal-listener"
    plugin = prod.named(COMMAND, "prod-network-plugin")
    for number in range(3):
        configured = f"{COMMAND} prod-control-plane-{number}-configure"
        behind = prod.named(COMMAND, f"prod-control-plane-{number}-endpoint")
        assert not waits_for(prod, prod.resources[configured], listener)
        assert waits_for(prod, behind, configured)
        assert waits_for(prod, behind, listener)
        assert waits_for(prod, plugin, behind.key)


def test_an_api_server_that_is_stopped_serves_until_its_targets_are_out(prod: Recording) -> None:
    for group in prod.of_type("aws:lb/targetGroup:TargetGroup"):
        check = group.inputs["healthCheck"]
        assert check["interval"] * check["unhealthyThreshold"] + 120 <= API_SHUTDOWN_DELAY, "nodes of an NLB act late"


def test_connections_to_an_api_server_that_stops_go_on_while_it_may_answer(prod: Recording) -> None:
    for group in prod.of_type("aws:lb/targetGroup:TargetGroup"):
        (states,) = group.inputs["targetHealthStates"]
        assert states["enableUnhealthyConnectionTermination"] is False
        assert states["unhealthyDrainingInterval"] == api_grace()


def test_load_balancers_cross_zones_hide_the_client_and_have_a_group_from_the_start(prod: Recording) -> None:
    internal, public = prod.of_type("aws:lb/loadBalancer:LoadBalancer")
    assert (internal.inputs["internal"], public.inputs["internal"]) == (True, False)
    for balancer in (internal, public):
        assert balancer.inputs["enableCrossZoneLoadBalancing"] is True
        assert len(balancer.inputs["securityGroups"]) == 1
        assert len(balancer.inputs["name"]) <= 32
    assert internal.inputs["subnets"] == [f"prod-network-private-{n}-id" for n in range(3)]
    assert public.inputs["subnets"] == [f"prod-network-public-{n}-id" for n in range(3)]
    for targets in prod.of_type("aws:lb/targetGroup:TargetGroup"):
        assert targets.inputs["preserveClientIp"] == "false"
        assert (targets.inputs["healthCheck"]["protocol"], targets.inputs["healthCheck"]["path"]) == (
            "HTTPS",
            "/readyz",
        )


def test_the_apis_name_is_an_alias_of_the_internal_load_balancer(prod: Recording) -> None:
    (name,) = prod.of_type("aws:route53/record:Record")
    (alias,) = name.inputs["aliases"]
    assert alias["name"] == "prod-internal.elb.eu-central-1.amazonaws.com"
    assert not {"ttl", "records"} & set(name.inputs)


def test_operators_use_the_public_load_balancer_once_it_answers(prod: Recording) -> None:
    provider = prod.named("pulumi:providers:kubernetes", "prod-kubernetes")
    assert "server: https://prod-public.elb.eu-central-1.amazonaws.com:6443" in provider.inputs["kubeconfig"].value
    assert prod.asked == ["https://prod-public.elb.eu-central-1.amazonaws.com:6443/readyz"]
    assert {
        "aws:lb/listener:Listener prod-api-public-listener",
        "command:remote:Command prod-network-plugin",
    } <= provider.depends_on


@pytest.mark.parametrize("stack", ["education", "dev"])
def test_what_lives_in_the_cluster_waits_for_an_api_server_that_may_just_be_starting(stack: str) -> None:
    """A machine that lost power under `up` boots while the next `up` finds nothing to do on it."""
    assert recorded(stack).asked == [f"{server(recorded(stack))}/readyz"]


def server(stack: Recording) -> str:
    """Where the operator's kubeconfig leads."""
    (provider,) = stack.of_type("pulumi:providers:kubernetes")
    kubeconfig = yaml.safe_load(provider.inputs["kubeconfig"].value)
    (cluster,) = kubeconfig["clusters"]
    assert cluster["cluster"]["tls-server-name"].startswith("api."), "it is the name in the certificate"
    return str(cluster["cluster"]["server"])


@another_prod
def test_inside_a_private_network_operators_use_the_internal_load_balancer_or_the_machine() -> None:
    inside = (("access__bastion", False), ("apiEndpoint__public", False))
    assert server(recorded("prod", inside)) == "https://prod-internal.elb.eu-central-1.amazonaws.com:6443"
    assert server(recorded("prod", (*inside, ("controlPlane__count", 1)))) == "https://10.22.128.16:6443"
    for command in recorded("prod", inside).of_type(COMMAND):
        assert "proxy" not in command.inputs["connection"].value


@another_prod
def test_without_nat_operators_use_a_machines_public_address_beside_the_load_balancer_of_the_nodes() -> None:
    public = (("access__bastion", False), ("apiEndpoint__public", False), ("network__nat", "none"))
    stack = recorded("prod", public)
    assert server(stack) == "https://198.51.100.7:6443"
    (balancer,) = stack.of_type("aws:lb/loadBalancer:LoadBalancer")
    assert balancer.inputs["subnets"] == [f"prod-network-public-{n}-id" for n in range(3)]
    assert len(stack.of_type("aws:ec2/eip:Eip")) == 6


@another_prod
def test_interface_endpoints_stand_in_the_private_subnets() -> None:
    endpoints = varied("prod", "network__interfaceEndpoints", ("ssm",)).of_type("aws:ec2/vpcEndpoint:VpcEndpoint")
    kinds = {e.inputs["serviceName"].rsplit(".", 1)[1]: e.inputs["vpcEndpointType"] for e in endpoints}
    assert kinds == {"s3": "Gateway", "ssm": "Interface"}


@another_prod
def test_one_nat_gateway_serves_all_zones_where_the_stack_says_single() -> None:
    single = varied("prod", "network__nat", "single")
    assert len(single.of_type("aws:ec2/natGateway:NatGateway")) == 1
    routes = [r for r in single.of_type("aws:ec2/route:Route") if "natGatewayId" in r.inputs]
    assert {r.inputs["natGatewayId"] for r in routes} == {"prod-network-private-nat-0-id"}
    assert len(routes) == 3


def test_a_default_storage_class_is_made_where_a_driver_is_named() -> None:
    kind = "kubernetes:storage.k8s.io/v1:StorageClass"
    assert not recorded("dev").of_type(kind)
    (made,) = varied("dev", "addons__storageClassProvisioner", "ebs.csi.aws.com").of_type(kind)
    assert made.inputs["volumeBindingMode"] == "WaitForFirstConsumer"


@another_prod
def test_a_larger_disk_of_etcd_leaves_control_planes_alone_that_hold_none(prod: Recording) -> None:
    grown = varied("prod", "etcd__volumeGib", 40)
    touched = {
        command.name
        for command in prod.of_type(COMMAND)
        if command.inputs["stdin"] != grown.named(COMMAND, command.name).inputs["stdin"]
    }
    assert touched == {f"prod-etcd-{number}-configure" for number in range(3)}


def test_without_a_load_balancer_workers_are_let_in_after_the_record_is_there() -> None:
    dev = recorded("dev")
    founding = dev.named(COMMAND, "dev-control-plane-0-configure")
    assert waits_for(dev, founding, "aws:route53/record:Record dev-api-record")
