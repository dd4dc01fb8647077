"""What a preview can't tell yet is not refused, and does not keep a rule from what it can tell."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest

from policies.catalogue import NAMES, RULES
from policies.evaluate import on_stack
from policies.values import UNKNOWN
from tests.policies.changes import (
    NEW,
    added,
    in_zone,
    more,
    of_command,
    of_member,
    of_targets,
    of_template,
    opened,
    plugin_says,
    replaced,
    runs_image,
    without,
)
from tests.policies.edits import Change, adding, all_of, options, removing, setting
from tests.policies.sound_stack import CONTEXT, made, sound_stack, tags
from tests.policies.violation import LEARNING, MEMBER, NO_BACKUPS, POOR

NEVER_LIVED: Final = options("namespace", "large-smoke", outputs={"metadata": {"uid": UNKNOWN}})

# For each rule: the sound stack, with what the rule decides by unknown.
UNDECIDED: Final[dict[str, Change]] = {
    "etcd-member-count-is-odd": all_of(NEVER_LIVED, added("etcd", 0, 1, 2)),
    "control-plane-count-is-odd": added("control-plane", 0, 1, 2),
    "one-stateful-machine-at-a-time": all_of(NEVER_LIVED, replaced("etcd", 0, 1, 2)),
    "quorum-survives-the-change": all_of(NEVER_LIVED, added("etcd", 1, 2)),
    "quorum-survives-a-zone": in_zone(2, UNKNOWN),
    "machines-are-spread-over-zones": setting("subnet", "large-private-2", "availabilityZone", to=UNKNOWN),
    "etcd-volumes-are-kept": all_of(
        options("volume", "large-etcd-0-etcd", protect=False),
        setting("volume", "large-etcd-0-etcd", "finalSnapshot", to=UNKNOWN),
    ),
    "snapshots-are-scheduled": adding(made("snapshot-plan", "p", state=UNKNOWN)),
    "disks-are-encrypted": all_of(
        setting("volume", "large-etcd-0-etcd", "encrypted", to=UNKNOWN),
        of_member(rootBlockDevice=UNKNOWN, ebsBlockDevices=UNKNOWN),
        setting("template", "large-general", "blockDeviceMappings", 0, "ebs", to=UNKNOWN),
    ),
    "buckets-are-encrypted": all_of(
        removing("large-backups-encryption"),
        setting("bucket", "large-backups", "serverSideEncryptionConfiguration", to=UNKNOWN),
    ),
    "buckets-are-private": all_of(
        setting("access-block", "large-backups-access", "blockPublicAcls", to=UNKNOWN),
        setting("bucket", "large-backups", "acl", to=UNKNOWN),
    ),
    "backups-are-kept": all_of(
        setting("bucket", "large-backups", "forceDestroy", to=UNKNOWN),
        setting("versioning", "large-backups-versions", "versioningConfiguration", to=UNKNOWN),
    ),
    "imdsv2-is-required": setting(*MEMBER, "metadataOptions", "httpTokens", to=UNKNOWN),
    "metadata-hop-limit": of_member(metadataOptions=UNKNOWN),
    "images-do-not-replace-machines": of_member(ami=UNKNOWN, userDataBase64=UNKNOWN),
    "machines-are-deleted-before-replaced": options(*MEMBER, outputs=NEW),
    "etcd-is-not-on-burstable-machines": of_member(instanceType=UNKNOWN),
    "ssh-is-not-open-to-the-world": opened(22, network=UNKNOWN),
    "ssh-is-not-open-in-pieces": opened(22, network=UNKNOWN),
    "etcd-is-not-open-to-the-world": opened(2379, protocol=UNKNOWN),
    "kubelet-is-not-open-to-the-world": adding(made("security-group", "g", ingress=UNKNOWN, tags=tags("g"))),
    "api-is-not-open-to-the-world": adding(
        made("old-ingress", "o", type="ingress", protocol="tcp", fromPort=UNKNOWN, toPort=UNKNOWN, cidrBlocks=["::/0"])
    ),
    "api-of-a-learning-cluster-is-not-open": opened(6443, network=UNKNOWN),
    "iam-names-actions-and-resources": setting("policy", "large-workers-policy", "policy", to=UNKNOWN),
    "iam-trust-is-narrow": setting("role", "large-workers-role", "assumeRolePolicy", to=UNKNOWN),
    "roles-are-not-shared": all_of(options(*MEMBER, references={}), of_member(iamInstanceProfile=UNKNOWN)),
    "client-addresses-are-not-kept": of_targets("preserveClientIp", to=UNKNOWN),
    "api-health-check-is-readyz": of_targets("healthCheck", "path", to=UNKNOWN),
    "load-balancers-have-security-groups": setting("balancer", "large-api", "securityGroups", to=UNKNOWN),
    "load-balancers-cross-zones": setting("balancer", "large-api", "enableCrossZoneLoadBalancing", to=UNKNOWN),
    "no-secrets-in-user-data": of_member(userDataBase64=UNKNOWN),
    "no-secrets-in-commands": all_of(
        of_command("create", UNKNOWN), of_command("environment", {"A": UNKNOWN}), of_command("triggers", [UNKNOWN])
    ),
    "no-secrets-in-plain-parameters": setting("parameter", "large-host-key", "type", to=UNKNOWN),
    "host-keys-are-verified": of_command("connection", {"hostKey": UNKNOWN, "proxy": UNKNOWN}),
    "images-are-pinned": all_of(runs_image(UNKNOWN), plugin_says(UNKNOWN)),  # type: ignore[arg-type]
    "versions-are-exact": of_command("stdin", UNKNOWN),
    "versions-fit-each-other": of_template(userData=UNKNOWN),
    "source-check-fits-the-network-plugin": setting(
        "interface", "large-etcd-0-interface", "sourceDestCheck", to=UNKNOWN
    ),
    "nat-in-every-zone": all_of(
        *(setting("subnet", f"large-private-{number}", "availabilityZone", to=UNKNOWN) for number in range(3))
    ),
    "resources-are-tagged": of_member(tags=UNKNOWN),
    "cost-is-within-the-budget": lambda stack: stack,
}
CONTEXTS: Final = {
    "snapshots-are-scheduled": NO_BACKUPS,
    "api-of-a-learning-cluster-is-not-open": LEARNING,
    "cost-is-within-the-budget": replace(POOR, settings=None),
}


def test_every_rule_is_tried_with_an_unknown_value() -> None:
    assert set(UNDECIDED) == set(NAMES)


@pytest.mark.parametrize("name", UNDECIDED)
def test_an_unknown_value_is_not_refused(name: str) -> None:
    stack = UNDECIDED[name](sound_stack())
    assert name not in {rule.name for rule in RULES if on_stack(rule, stack, CONTEXTS.get(name, CONTEXT), {})}


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("etcd-member-count-is-odd", all_of(NEVER_LIVED, without("etcd", 2), added("etcd", 0, 1))),
        ("control-plane-count-is-odd", all_of(more("control-plane", 3), replaced("control-plane", 3))),
        (
            "etcd-volumes-are-kept",
            all_of(NEVER_LIVED, options("volume", "large-etcd-0-etcd", protect=False, outputs=NEW)),
        ),
        ("metadata-hop-limit", of_member(metadataOptions={"httpTokens": UNKNOWN, "httpPutResponseHopLimit": 2})),
        ("ssh-is-not-open-to-the-world", opened(22, protocol="-1", network="0.0.0.0/0")),
        ("no-secrets-in-commands", of_command("environment", {"A": UNKNOWN, "B": "AKIAIOSFODNN7EXAMPLE"})),
        ("api-health-check-is-readyz", of_targets("healthCheck", to={"protocol": "TCP", "path": UNKNOWN})),
        ("resources-are-tagged", of_member(tags={"Name": UNKNOWN})),
        ("disks-are-encrypted", of_member(rootBlockDevice={"encrypted": False, "kmsKeyId": UNKNOWN})),
    ],
)
def test_what_is_known_beside_an_unknown_value_is_refused(name: str, change: Change) -> None:
    rule = next(rule for rule in RULES if rule.name == name)
    assert on_stack(rule, change(sound_stack()), CONTEXT, {})


def test_an_unknown_value_can_not_be_mistaken_for_true_or_false() -> None:
    with pytest.raises(TypeError, match="ask `known` first"):
        bool(UNKNOWN)
