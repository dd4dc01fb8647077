"""What is sound in other ways than the sound stack is not refused: rules that cry wolf get exempted."""

from __future__ import annotations

import pytest

from policies.catalogue import RULES
from policies.evaluate import on_stack
from policies.model import Context
from tests.policies.changes import (
    added,
    in_zone,
    more,
    of_command,
    of_member,
    of_targets,
    of_template,
    opened,
    packed,
    plugin_says,
    replaced,
    runs_image,
    stacked,
    trusting,
    workers_may,
    workers_run,
)
from tests.policies.edits import Change, adding, all_of, leaving_out, options, removing, setting
from tests.policies.sound_stack import CONTEXT, ZONES, made, sound_stack
from tests.policies.violation import LEARNING, MEMBER, NO_BACKUPS

COMPANIONS = (("access-block", "access"), ("encryption", "encryption"), ("versioning", "versions"))
TAGGED = {"StringEquals": {"aws:ResourceTag/c": "l"}}
OTHER_PORT = all_of(
    of_targets("port", to=8080), of_targets("preserveClientIp", to="true"), of_targets("healthCheck", to={})
)


def by_name(kind: str, name: str) -> Change:
    """What configures the bucket names it, rather than taking its name from it."""
    whole = f"large-backups-{name}"
    return all_of(options(kind, whole, references={}), setting(kind, whole, "bucket", to="b"))


VARIANTS: dict[str, tuple[Change, Context]] = {
    "one member is replaced": (replaced("etcd", 1), CONTEXT),
    "two members are added to one": (added("etcd", 1, 2), CONTEXT),
    "stacked etcd": (stacked(), CONTEXT),
    "five members": (more("etcd", 3, 4), CONTEXT),
    "a disk that is snapshotted before it goes": (
        all_of(
            options("volume", "large-etcd-0-etcd", protect=False),
            setting("volume", "large-etcd-0-etcd", "finalSnapshot", to=True),
        ),
        CONTEXT,
    ),
    "a plan of snapshots by AWS": (adding(made("snapshot-plan", "p", state="ENABLED")), NO_BACKUPS),
    "encryption and versions in the bucket itself": (
        all_of(
            removing("large-backups-encryption", "large-backups-versions"),
            setting("bucket", "large-backups", "serverSideEncryptionConfiguration", to={"rule": {"a": "b"}}),
            setting("bucket", "large-backups", "versioning", to={"enabled": True}),
        ),
        CONTEXT,
    ),
    "companions of a bucket by its name": (
        all_of(
            setting("bucket", "large-backups", "bucket", to="b"),
            *(by_name(kind, name) for kind, name in COMPANIONS),
        ),
        CONTEXT,
    ),
    "no metadata service at all": (of_member(metadataOptions={"httpEndpoint": "disabled"}), CONTEXT),
    "the API open in a cluster to learn on is reported by its own rule": (opened(443), LEARNING),
    "https open to all": (opened(443), CONTEXT),
    "ports below and above": (opened(23, 2378), CONTEXT),
    "ssh from a company": (opened(22, network="198.51.100.0/24"), CONTEXT),
    "UDP on a number of ours": (opened(10250, protocol="udp"), CONTEXT),
    "fragmentation needed, from all": (opened(3, 4, protocol="icmp"), CONTEXT),
    "reading what has no secrets": (workers_may(Action="ec2:Describe*", Resource="*"), CONTEXT),
    "sensitive, with a condition": (
        workers_may(Action="ec2:TerminateInstances", Resource="*", Condition=TAGGED),
        CONTEXT,
    ),
    "everything of one bucket": (workers_may(Action="s3:*", Resource="arn:aws:s3:::large-backups/*"), CONTEXT),
    "a deny of everything": (workers_may(Effect="Deny", Action="*", Resource="*"), CONTEXT),
    "a role for a named account": (trusting({"AWS": "arn:aws:iam::123456789012:root"}), CONTEXT),
    "a target group of another port": (
        OTHER_PORT,
        CONTEXT,
    ),
    "a health check on the port by number": (of_targets("healthCheck", "port", to="6443"), CONTEXT),
    "an application load balancer": (
        all_of(
            setting("balancer", "large-api", "loadBalancerType", to="application"),
            leaving_out("balancer", "large-api", "enableCrossZoneLoadBalancing"),
        ),
        CONTEXT,
    ),
    "kubeadm's placeholder token": (of_template(userData=packed("token: abcdef.0123456789abcdef")), CONTEXT),
    "a digest and file names that look like a token": (
        of_template(userData=packed("sha256:" + "0a" * 32 + "\nsystem.kubelet1234567890\nabcdef.conf\n")),
        CONTEXT,
    ),
    "a password read from a variable or a file": (
        of_template(userData=packed('PASSWORD="$(cat /run/password)"\npassword=$PASSWORD_OF_USER\n')),
        CONTEXT,
    ),
    "a public key and a certificate": (
        of_command("create", "echo -----BEGIN CERTIFICATE-----\n-----BEGIN PUBLIC KEY-----"),
        CONTEXT,
    ),
    "a secret on standard input": (of_command("stdin", "-----BEGIN PRIVATE KEY-----"), CONTEXT),
    "an image by digest": (runs_image("ghcr.io/example/web@sha256:" + "0" * 64), CONTEXT),
    "an image of a registry with a port": (runs_image("registry.example.org:5000/web:1.2"), CONTEXT),
    "kubelets three minors behind": (workers_run("1.33.1"), CONTEXT),
    "the check off for a plugin that sends unwrapped": (
        all_of(
            plugin_says("encapsulation: VXLANCrossSubnet\n"),
            *(
                setting("interface", f"large-{kind}-{number}-interface", "sourceDestCheck", to=False)
                for kind in ("control-plane", "etcd")
                for number in range(3)
            ),
        ),
        CONTEXT,
    ),
    "a type named t-something that is not burstable": (of_member(instanceType="trn1.2xlarge"), CONTEXT),
    "members moved around, one in each zone": (
        all_of(in_zone(0, ZONES[1]), in_zone(1, ZONES[0])),
        CONTEXT,
    ),
    "no NAT": (removing("large-nat-0", "large-nat-1", "large-nat-2"), CONTEXT),
    "another instance than a member may go by its image": (
        adding(
            made(
                "instance",
                "large-bastion",
                ami="ami-1",
                metadataOptions={"httpTokens": "required", "httpPutResponseHopLimit": 1},
                rootBlockDevice={"encrypted": True},
                tags={"quorate:cluster": "large", "Name": "b"},
            )
        ),
        CONTEXT,
    ),
}


@pytest.mark.parametrize("title", VARIANTS)
def test_a_sound_variant_is_not_refused(title: str) -> None:
    change, context = VARIANTS[title]
    stack = change(sound_stack())
    found = [f"{rule.name}: {finding.wrong}" for rule in RULES for finding in on_stack(rule, stack, context, {})]
    assert found == []


def test_the_hop_limit_can_be_raised_by_policy_config() -> None:
    (rule,) = (rule for rule in RULES if rule.name == "metadata-hop-limit")
    stack = setting(*MEMBER, "metadataOptions", "httpPutResponseHopLimit", to=2)(sound_stack())
    assert on_stack(rule, stack, CONTEXT, {})
    assert not on_stack(rule, stack, CONTEXT, {"maximum": 2})


def test_required_tags_can_be_given_by_policy_config() -> None:
    (rule,) = (rule for rule in RULES if rule.name == "resources-are-tagged")
    stack = of_member(tags={"owner": "me"})(sound_stack())
    assert any("large-etcd-0-instance" in finding.wrong for finding in on_stack(rule, stack, CONTEXT, {}))
    found = on_stack(rule, stack, CONTEXT, {"required": ["owner"]})
    assert all("large-etcd-0-instance" not in finding.wrong for finding in found)
