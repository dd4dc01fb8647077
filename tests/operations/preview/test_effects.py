"""What a step does to a running cluster."""

from __future__ import annotations

from typing import Any

import pytest

from components.delivery.bundle_writer import write_bundle
from components.network_plugins.calico.manifest import calico_manifest
from components.node.common.bundle import BundledFile
from operations.preview.digest import UNKNOWN, Action, Step
from operations.preview.effects import Effect, Impact, effect, is_stateful, machine_of
from operations.preview.node_lines import machine_change
from pricing.topology import topology
from tests.operations.preview.digests import COMMAND, INSTANCE, LAUNCH_TEMPLATE, VOLUME, configures, machine_bundle
from tests.operations.stacks import PROD, STACKED, settings

GROUP = "aws:autoscaling/group:Group"
RULE = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
CONTROL_PLANE, MEMBER = "prod-control-plane-1-instance", "prod-etcd-2-instance"


BUCKET = "aws:s3/bucket:Bucket"
RETENTION = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"


def step(kind: str, name: str, action: Action, old: Any = None, new: Any = None, **more: Any) -> Step:
    return Step(f"urn:pulumi:prod::quorate::quorate:index:Cluster${kind}::{name}", action, old or {}, new or {}, **more)


def found(made: Step) -> Impact:
    return effect(made, machine_change(made), "prod").impact


@pytest.mark.parametrize(
    ("name", "machine"),
    [
        ("prod-control-plane-0-instance", "control-plane-0"),
        ("prod-etcd-2-etcd", "etcd-2"),
        ("prod-bastion-instance", "bastion"),
        ("prod-control-plane-10", "control-plane-10"),
        ("prod-api-zone", ""),
        ("prod-pool-general", ""),
    ],
)
def test_the_machine_of_a_resource_is_in_its_name(name: str, machine: str) -> None:
    assert machine_of(name, "prod") == machine


def test_a_cluster_that_is_called_like_a_machine_confuses_nobody() -> None:
    assert machine_of("my-etcd-1-control-plane-0-instance", "my-etcd-1") == "control-plane-0"
    assert machine_of("my-etcd-1-api-zone", "my-etcd-1") == ""


@pytest.mark.parametrize(
    ("made", "impact"),
    [
        (step(VOLUME, "prod-etcd-0-etcd", Action.DELETE), Impact.DATA),
        (step(VOLUME, "prod-etcd-0-etcd", Action.REPLACE), Impact.DATA),
        (step(VOLUME, "prod-etcd-0-etcd", Action.DELETE, retained=True), Impact.PASSING),
        (step(VOLUME, "prod-etcd-0-etcd", Action.UPDATE, {"size": 20}, {"size": 40}), Impact.NONE),
        (step(VOLUME, "prod-etcd-0-etcd", Action.CREATE), Impact.NONE),
        (step("aws:s3/bucketV2:BucketV2", "prod-backups", Action.DELETE), Impact.DATA),
        (step(BUCKET, "prod-snapshots-bucket", Action.DELETE), Impact.DATA),
        (step(BUCKET, "prod-snapshots-bucket", Action.DELETE, retained=True), Impact.PASSING),
        (step("aws:kms/key:Key", "prod-snapshots-key", Action.DELETE, retained=True), Impact.PASSING),
        (step(RETENTION, "prod-snapshots-retention", Action.DELETE, retained=True), Impact.NONE),
        (step(RETENTION, "prod-snapshots-retention", Action.UPDATE, {"rules": [1]}, {"rules": [2]}), Impact.NONE),
        (step("tls:index/privateKey:PrivateKey", "prod-pki-cluster-ca", Action.REPLACE), Impact.DATA),
        (step("tls:index/privateKey:PrivateKey", "prod-pki-service-accounts", Action.REPLACE), Impact.DATA),
        (step("tls:index/privateKey:PrivateKey", "prod-operator-key", Action.REPLACE), Impact.DATA),
        (step("tls:index/selfSignedCert:SelfSignedCert", "prod-pki-etcd-ca", Action.DELETE), Impact.DATA),
        (step("tls:index/privateKey:PrivateKey", "prod-pki-etcd-2", Action.DELETE), Impact.NONE),
        (step("tls:index/privateKey:PrivateKey", "prod-pki-operator", Action.REPLACE), Impact.NONE),
        (step("tls:index/privateKey:PrivateKey", "prod-bastion-host-key-key", Action.DELETE), Impact.NONE),
        (step("tls:index/locallySignedCert:LocallySignedCert", "prod-pki-operator", Action.REPLACE), Impact.NONE),
        (step(INSTANCE, CONTROL_PLANE, Action.REPLACE), Impact.MACHINE),
        (step(INSTANCE, MEMBER, Action.DELETE), Impact.MACHINE),
        (step(INSTANCE, CONTROL_PLANE, Action.UPDATE, {"instanceType": "a"}, {"instanceType": "b"}), Impact.MACHINE),
        (step(INSTANCE, CONTROL_PLANE, Action.UPDATE, {"userData": "a"}, {"userData": "b"}), Impact.MACHINE),
        (step(INSTANCE, CONTROL_PLANE, Action.UPDATE, {"tags": {"a": "1"}}, {"tags": {}}), Impact.NONE),
        (step(INSTANCE, "prod-bastion-instance", Action.REPLACE), Impact.PASSING),
        (step(INSTANCE, CONTROL_PLANE, Action.SAME), Impact.NONE),
        (step("aws:lb/loadBalancer:LoadBalancer", "prod-api-internal", Action.REPLACE), Impact.API),
        (step("aws:lb/targetGroup:TargetGroup", "prod-api", Action.DELETE), Impact.API),
        (step("aws:lb/targetGroup:TargetGroup", "prod-api", Action.UPDATE), Impact.NONE),
        (step("aws:ec2/networkInterface:NetworkInterface", "prod-etcd-0-interface", Action.REPLACE), Impact.MACHINE),
        (step("aws:ec2/volumeAttachment:VolumeAttachment", "prod-etcd-0-etcd", Action.REPLACE), Impact.MACHINE),
        (step(LAUNCH_TEMPLATE, "prod-pool-a", Action.UPDATE, {"imageId": "a"}, {"imageId": "b"}), Impact.WORKERS),
        (step(GROUP, "prod-pool-a", Action.UPDATE, {"maxSize": 3}, {"maxSize": 9}), Impact.PASSING),
        (step(GROUP, "prod-pool-a", Action.UPDATE, {"launchTemplate": 1}, {"launchTemplate": 2}), Impact.WORKERS),
        (step(GROUP, "prod-pool-a", Action.DELETE), Impact.WORKERS),
        (step("kubernetes:apps/v1:Deployment", "prod-smoke", Action.REPLACE), Impact.PASSING),
        (step(COMMAND, "prod-etcd-0-configure", Action.DELETE), Impact.NONE),
        (step(COMMAND, "prod-ready", Action.UPDATE, {"stdin": "a"}, {"stdin": "b"}), Impact.NONE),
        (step("quorate:index:Cluster", "prod", Action.DELETE), Impact.NONE),
    ],
)
def test_each_kind_of_step_interrupts_what_it_interrupts(made: Step, impact: Impact) -> None:
    assert found(made) is impact


@pytest.mark.parametrize(
    ("changes", "impact", "words"),
    [
        ({"kubelet": {"maxPods": 60}}, Impact.PASSING, "kubelet restarts; its pods keep running"),
        ({"controlPlane": {"apiServerArguments": {"v": "2"}}}, Impact.MACHINE, "restarts kube-apiserver"),
        (
            {"networkPlugin": {"name": "flannel", "version": "0.28.4"}},
            Impact.MACHINE,
            "restarts kube-controller-manager",
        ),
        ({"cluster": {"containerdVersion": "2.3.8"}}, Impact.PASSING, "containerd restarts; containers keep running"),
        (
            {"cluster": {"kubernetesVersion": "1.36.5"}},
            Impact.MACHINE,
            "Kubernetes is upgraded: static pods and kubelet restart",
        ),
        ({"etcd": {"volumeGib": 50}}, Impact.NONE, "the file system of etcd's disk grows"),
    ],
)
def test_a_changed_file_restarts_what_reads_it(changes: dict[str, Any], impact: Impact, words: str) -> None:
    base = STACKED if "etcd" in changes else PROD
    old, new = settings(base), settings(base, **changes)
    machine = topology(old).machines[1]
    inputs = configures(machine_bundle(old, machine)), configures(machine_bundle(new, machine))
    made = step(COMMAND, "prod-control-plane-1-configure", Action.UPDATE, *inputs)
    told = effect(made, machine_change(made), "prod")
    assert (told.impact, told.words) == (impact, words)
    assert told.machine == ("control-plane-1" if impact is Impact.MACHINE else "")


def test_a_step_takes_its_lock_whatever_scripts_are_delivered_with_it() -> None:
    def lock(verb: str, file: str, old: str, new: str) -> tuple[Impact, str]:
        inputs = [configures(write_bundle((BundledFile(file, text),)), verb) for text in (old, new)]
        made = step(COMMAND, "prod-etcd-1-configure", Action.UPDATE, *inputs)
        told = effect(made, machine_change(made), "prod")
        return told.impact, told.lock

    env = "/etc/quorate/etcd.env"
    assert lock("configure-etcd-member", env, "A=1\n", "A=2\n") == (Impact.MACHINE, "etcd")
    assert lock("wait-ready", env, "A=1\n", "A=2\n") == (Impact.NONE, "")
    cluster = "ETCD_INITIAL_CLUSTER=etcd-0=https://10.0.0.10:2380"
    assert (
        lock("configure-etcd-member", env, f"{cluster}\n", f"{cluster},etcd-1=https://10.0.0.11:2380\n")[0]
        is Impact.NONE
    )
    assert lock("no-such-step", env, "A=1\n", "A=2\n") == (Impact.MACHINE, ""), "what is not known may interrupt"


@pytest.mark.parametrize("verb", ["configure-etcd-member", "configure-control-plane"])
def test_another_interval_of_snapshots_interrupts_nothing(verb: str) -> None:
    texts = [f"CLUSTER_NAME=prod\nSNAPSHOT_HOURS={hours}\n" for hours in (6, 1)]
    inputs = [configures(write_bundle((BundledFile("/etc/quorate/node.env", text),)), verb) for text in texts]
    made = step(COMMAND, "prod-etcd-1-configure", Action.UPDATE, *inputs)
    assert found(made) is Impact.NONE


def test_what_is_known_only_at_apply_may_interrupt_and_takes_its_lock() -> None:
    inputs = configures(write_bundle((BundledFile("/etc/quorate/node.env", "A=1\n"),))), configures(UNKNOWN)
    made = step(COMMAND, "prod-control-plane-1-configure", Action.UPDATE, *inputs)
    told = effect(made, machine_change(made), "prod")
    assert (told.impact, told.lock) == (Impact.MACHINE, "control plane")


def applied(old: str, new: str) -> Effect:
    """What a preview says of a manifest that changes."""
    command = "sudo /opt/quorate/bin/quorate-node apply-network-plugin"
    made = step(
        COMMAND, "prod-network-plugin", Action.UPDATE, *({"create": command, "stdin": each} for each in (old, new))
    )
    return effect(made, machine_change(made), "prod")


def test_a_manifest_restarts_those_pods_whose_template_changes() -> None:
    old, new = (calico_manifest(version, "10.244.0.0/16", "api.x", 6443) for version in ("3.31.0", "3.32.1"))
    another_version = applied(old, new)
    assert another_version.impact is Impact.PASSING
    assert "restarts node by node" in another_version.words
    assert "controllers restart" in another_version.words
    another_role = applied(old, old.replace("virtualmachineinstancemigrations", "virtualmachines"))
    assert (another_role.impact, another_role.lock) == (Impact.NONE, "")
    assert "nothing restarts" in another_role.words


def test_a_script_for_this_host_interrupts_nothing() -> None:
    local = step("command:local:Command", "prod-reachable", Action.UPDATE, {"stdin": "a\n"}, {"stdin": "b\n"})
    assert found(local) is Impact.NONE


def test_a_rule_of_a_security_group_is_reported_as_what_it_opens() -> None:
    rule = {"ipProtocol": "tcp", "fromPort": 6443, "toPort": 6443, "cidrIpv4": "192.0.2.0/28"}
    opened = effect(step(RULE, "prod-groups-in", Action.CREATE, None, rule), None, "prod")
    closed = effect(step(RULE, "prod-groups-in", Action.DELETE, rule), None, "prod")
    assert opened.words == "opens tcp 6443 from 192.0.2.0/28"
    assert closed.words == "closes tcp 6443 from 192.0.2.0/28"
    message = {"ipProtocol": "icmp", "fromPort": 3, "toPort": 4, "cidrIpv4": "0.0.0.0/0"}
    heard = effect(step(RULE, "prod-groups-in", Action.CREATE, None, message), None, "prod")
    assert heard.words == "opens icmp type 3 code 4 from 0.0.0.0/0"


def test_disks_buckets_and_keys_hold_state() -> None:
    assert is_stateful(step(VOLUME, "a", Action.SAME))
    assert is_stateful(step("aws:s3/bucketV2:BucketV2", "a", Action.SAME))
    assert not is_stateful(step(INSTANCE, "a", Action.SAME))
    assert not is_stateful(step("tls:index/locallySignedCert:LocallySignedCert", "a", Action.SAME))
