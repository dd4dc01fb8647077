"""What the education stack declares, seen by a monitor that records every registration."""

from __future__ import annotations

import base64
import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.cluster import Cluster
from tests.components.education import ANSWERS, SETTINGS, outputs
from tests.components.golden_files import assert_is_reviewed
from tests.components.recording import Recording, Secret, record

CHECKOUT = Path(__file__).parents[2]
INSTANCE = "aws:ec2/instance:Instance"
COMMAND = "command:remote:Command"


@pytest.fixture(scope="module")
def education() -> Recording:
    def program() -> None:
        Cluster("education", SETTINGS)

    return record(program, outputs, ANSWERS)


def texts(value: Any) -> list[str]:
    """Every text in a property that is not below a Secret."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for item in value.values() for text in texts(item)]
    if isinstance(value, list):
        return [text for item in value for text in texts(item)]
    return []


def cloud_config(education: Recording) -> dict[str, Any]:
    (machine,) = education.of_type(INSTANCE)
    user_data = gzip.decompress(base64.b64decode(machine.inputs["userDataBase64"])).decode()
    assert user_data.startswith("#cloud-config\n")
    document: dict[str, Any] = yaml.safe_load(user_data)
    return document


def test_the_tree_of_resources_is_the_reviewed_one(education: Recording) -> None:
    tree = "".join(f"{r.key} < {r.parent}\n" for r in sorted(education.resources.values(), key=lambda r: r.key))
    assert_is_reviewed("education-tree.txt", tree)


def test_every_resource_but_the_cluster_has_a_parent(education: Recording) -> None:
    assert [r.key for r in education.resources.values() if not r.parent] == ["quorate:index:Cluster education"]


def test_in_education_nothing_is_protected_and_only_what_moved_is_aliased(education: Recording) -> None:
    ours = [r for r in education.resources.values() if not r.type.startswith("kubernetes:")]
    assert [r.key for r in ours if r.protect] == []
    # The SDK of kubernetes adds aliases of its own.
    assert sorted(r.key for r in ours if r.aliases) == [
        "aws:ec2/instance:Instance education-control-plane-0-instance",
        "aws:ec2/volumeAttachment:VolumeAttachment education-control-plane-0-etcd",
    ]


def test_no_private_key_is_in_a_plain_property(education: Recording) -> None:
    leaks = [r.key for r in education.resources.values() if any("PRIVATE KEY" in text for text in texts(r.inputs))]
    assert leaks == []


def test_user_data_holds_no_private_key_and_no_token(education: Recording) -> None:
    text = yaml.safe_dump(cloud_config(education))
    assert "PRIVATE KEY" not in text
    assert not re.search(r"\b[a-z0-9]{6}\.[a-z0-9]{16}\b", text)


def test_user_data_is_plain_and_within_the_limit_of_ec2(education: Recording) -> None:
    (machine,) = education.of_type(INSTANCE)
    assert isinstance(machine.inputs["userDataBase64"], str)
    assert len(base64.b64decode(machine.inputs["userDataBase64"])) <= 16384


def test_the_host_key_is_installed_before_sshd_from_the_machines_own_parameter(education: Recording) -> None:
    config = cloud_config(education)
    command = config["bootcmd"][0]
    assert command[-1] == "/quorate/education/control-plane-0/ssh-host-key"
    assert config["ssh_genkeytypes"] == ["ed25519"], "any other would be offered beside the pinned one"
    assert config["ssh_deletekeys"] is False
    (parameter,) = education.of_type("aws:ssm/parameter:Parameter")
    assert parameter.inputs["name"] == command[-1]
    assert parameter.inputs["type"] == "SecureString"
    assert isinstance(parameter.inputs["value"], Secret)


def test_the_machine_starts_after_its_parameter_its_policy_and_its_way_out(education: Recording) -> None:
    (machine,) = education.of_type(INSTANCE)
    kinds = {key.split(" ")[0] for key in machine.depends_on}
    assert {
        "aws:ssm/parameter:Parameter",
        "aws:iam/rolePolicy:RolePolicy",
        "aws:ec2/eipAssociation:EipAssociation",
        "aws:ec2/route:Route",
        "aws:ec2/routeTableAssociation:RouteTableAssociation",
        "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
    } <= kinds


def test_the_machine_waits_for_neither_zone_nor_record(education: Recording) -> None:
    slow = {"aws:route53/zone:Zone", "aws:route53/record:Record"}
    waiting = [
        r.key
        for r in education.resources.values()
        if {k.split(" ")[0] for k in r.depends_on} & slow and r.type not in slow
    ]
    assert waiting == []


def test_the_instance_is_replaceable_and_never_replaced_by_a_newer_image_or_script(education: Recording) -> None:
    (machine,) = education.of_type(INSTANCE)
    assert machine.delete_before_replace
    assert set(machine.ignore_changes) == {"ami", "userDataBase64"}
    assert "subnetId" not in machine.inputs, "address and subnet belong to the network interface"
    interface = machine.inputs["primaryNetworkInterface"]["networkInterfaceId"]
    assert interface == "education-control-plane-0-interface-id"


def test_metadata_needs_a_token_and_is_out_of_reach_of_pods(education: Recording) -> None:
    (machine,) = education.of_type(INSTANCE)
    options = machine.inputs["metadataOptions"]
    assert (options["httpTokens"], options["httpPutResponseHopLimit"]) == ("required", 1)


def test_every_disk_is_encrypted(education: Recording) -> None:
    (machine,) = education.of_type(INSTANCE)
    (volume,) = education.of_type("aws:ebs/volume:Volume")
    assert machine.inputs["rootBlockDevice"]["encrypted"] is True
    assert volume.inputs["encrypted"] is True


def test_the_disk_of_etcd_outlives_the_instance(education: Recording) -> None:
    (volume,) = education.of_type("aws:ebs/volume:Volume")
    (attachment,) = education.of_type("aws:ec2/volumeAttachment:VolumeAttachment")
    assert not {key for key in volume.depends_on if key.startswith(INSTANCE)}
    assert not volume.deleted_with
    assert attachment.deleted_with.startswith(INSTANCE)


def test_the_role_reads_the_machines_own_parameters_and_nothing_else(education: Recording) -> None:
    (policy,) = education.of_type("aws:iam/rolePolicy:RolePolicy")
    (statement,) = json.loads(policy.inputs["policy"])["Statement"]
    assert statement["Action"] == "ssm:GetParameter"
    assert statement["Resource"] == (
        "arn:aws:ssm:eu-central-1:123456789012:parameter/quorate/education/control-plane-0/*"
    )


def test_security_groups_have_the_rules_of_the_table_and_no_inline_ones(education: Recording) -> None:
    ingress = education.of_type("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")
    assert sorted((r.inputs["cidrIpv4"], r.inputs["fromPort"], r.inputs["toPort"]) for r in ingress) == [
        ("198.18.0.0/24", 6443, 6443),
        ("203.0.113.0/24", 22, 22),
        ("203.0.113.0/24", 6443, 6443),
    ]
    egress = education.of_type("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule")
    assert sorted((r.inputs["cidrIpv4"], r.inputs["fromPort"]) for r in egress) == [
        ("0.0.0.0/0", 80),
        ("0.0.0.0/0", 443),
    ]
    for group in education.of_type("aws:ec2/securityGroup:SecurityGroup"):
        assert not {"ingress", "egress"} & set(group.inputs)


def test_no_security_groups_name_begins_as_aws_forbids(education: Recording) -> None:
    assert not [g.name for g in education.of_type("aws:ec2/securityGroup:SecurityGroup") if g.name.startswith("sg-")]


def test_remote_commands_verify_the_host_die_with_it_and_run_again_on_a_new_one(education: Recording) -> None:
    commands = education.of_type(COMMAND)
    assert len(commands) == 5
    for command in commands:
        assert isinstance(command.inputs["connection"], Secret), command.name
        connection = command.inputs["connection"].value
        assert connection["hostKey"] == "ssh-ed25519 AAAAeducation-control-plane-0-host-key-key\n", command.name
        assert connection["dialErrorLimit"] > 100, "a booting machine refuses connections for minutes"
        assert command.deleted_with.startswith(INSTANCE)
        assert "delete" not in command.inputs
        assert command.inputs["triggers"] == ["education-control-plane-0-instance-id"]
        assert command.inputs["addPreviousOutputInEnv"] is False
        assert command.inputs["create"] == command.inputs["update"]
        assert "environment" not in command.inputs, "sshd would refuse it"


def test_only_the_command_with_keys_has_a_secret_input_and_it_logs_nothing(education: Recording) -> None:
    secret = [c for c in education.of_type(COMMAND) if isinstance(c.inputs["stdin"], Secret)]
    assert [c.name for c in secret] == ["education-control-plane-0-pki"]
    assert secret[0].inputs["logging"] == "none"
    assert {c.inputs["logging"] for c in education.of_type(COMMAND) if c not in secret} == {"stdoutAndStderr"}


def test_kubeadm_gets_exactly_the_files_it_keeps_when_it_finds_them(education: Recording) -> None:
    stdin = education.named(COMMAND, "education-control-plane-0-pki").inputs["stdin"].value
    headers = [line.split(" ") for line in stdin.splitlines() if line.startswith("%%% 0")]
    assert {path for *_, path in headers} == {
        f"/etc/quorate/pki/{name}"
        for name in (
            "ca.crt", "ca.key", "front-proxy-ca.crt", "front-proxy-ca.key",
            "etcd/ca.crt", "etcd/ca.key", "sa.key", "sa.pub",
        )
    } | {"/etc/quorate/api-server/encryption.yaml"}  # fmt: skip
    assert {mode for _, mode, _, _ in headers} == {"0600"}


def test_a_changed_setting_is_visible_in_one_command(education: Recording) -> None:
    stdin = education.named(COMMAND, "education-control-plane-0-configure").inputs["stdin"]
    assert "\nmaxPods: 110\n" in stdin
    assert "KUBERNETES_VERSION=1.36.4\n" in stdin


def test_the_network_plugin_waits_for_kubeadm_and_the_page_for_the_network(education: Recording) -> None:
    plugin = education.named(COMMAND, "education-network-plugin")
    assert f"{COMMAND} education-control-plane-0-configure" in plugin.depends_on
    provider = education.named("pulumi:providers:kubernetes", "education-kubernetes")
    assert plugin.key in provider.depends_on
    assert isinstance(provider.inputs["kubeconfig"], Secret)


def test_what_lives_in_the_cluster_goes_with_all_of_it(education: Recording) -> None:
    inside = [r for r in education.resources.values() if r.type.startswith("kubernetes:")]
    assert len(inside) == 4
    assert all(r.deleted_with == "aws:ec2/vpc:Vpc education-network-vpc" for r in inside)


def test_the_fields_of_what_lives_in_the_cluster_have_one_owner(education: Recording) -> None:
    inside = [r for r in education.resources.values() if r.type.startswith("kubernetes:")]
    roots = [r if r.transforms else education.resources[r.parent] for r in inside]
    assert [r.key for r in roots if r.transforms != 1] == []


def test_another_address_of_the_api_is_no_other_cluster(education: Recording) -> None:
    provider = education.named("pulumi:providers:kubernetes", "education-kubernetes")
    assert provider.inputs["clusterIdentifier"] == "education"


def test_the_apis_name_resolves_to_the_fixed_address(education: Recording) -> None:
    (record_,) = education.of_type("aws:route53/record:Record")
    (interface,) = education.of_type("aws:ec2/networkInterface:NetworkInterface")
    assert record_.inputs["name"] == "api.education.quorate.internal"
    assert record_.inputs["records"] == interface.inputs["privateIps"]


def test_everything_that_can_carry_tags_names_cluster_and_stack_tags(education: Recording) -> None:
    for resource in education.resources.values():
        if "tags" in resource.inputs:
            tags = resource.inputs["tags"]
            assert tags["quorate:cluster"] == "education", resource.key
            assert tags["purpose"] == "learning", resource.key
            assert tags["Name"].startswith("education-"), resource.key


def test_the_program_names_nothing_but_aws() -> None:
    places = [CHECKOUT / "components", CHECKOUT / "stacks", CHECKOUT / "policies", CHECKOUT / "__main__.py"]
    files = [f for place in places if place.exists() for f in (place.rglob("*") if place.is_dir() else [place])]
    assert len(files) > 20
    # containerd calls a pod's first container so, and its configuration has a key of that name.
    lines = [line for f in files if f.is_file() and f.suffix != ".pyc" for line in f.read_text().splitlines()]
    assert [line for line in lines if "sandbox" in line.lower()] == ["    sandbox = '$PAUSE_IMAGE'"]
