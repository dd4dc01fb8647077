"""Stacks that break rules about quorum, disks, buckets and machines."""

from __future__ import annotations

from typing import Final

from tests.policies.changes import (
    added,
    in_subnet_of,
    in_zone,
    more,
    of_member,
    of_template,
    replaced,
    stacked,
    without,
)
from tests.policies.edits import Change, adding, all_of, leaving_out, options, removing
from tests.policies.edits import setting as put
from tests.policies.sound_stack import ZONES, made
from tests.policies.violation import MEMBER, NO_BACKUPS, Violation
from tests.policies.violation import violation as _v


def _bucket(rule: str, title: str, change: Change) -> Violation:
    return _v(rule, f"a bucket {title}", change)


FIVE: Final = more("etcd", 3, 4)
TWO_ZONES: Final = all_of(
    removing("large-private-2"), in_subnet_of("control-plane", 2, 0), in_subnet_of("etcd", 2, 0), in_zone(2, ZONES[0])
)
VOLUME: Final = ("volume", "large-etcd-0-etcd")
HOP: Final = "httpPutResponseHopLimit"

QUORUM: Final = (
    _v("etcd-member-count-is-odd", "two members", without("etcd", 2)),
    _v("etcd-member-count-is-odd quorum-survives-a-zone", "four members in three zones", more("etcd", 3)),
    _v("control-plane-count-is-odd", "two control planes", without("control-plane", 2)),
    _v("control-plane-count-is-odd", "four control planes", more("control-plane", 3)),
    _v("one-stateful-machine-at-a-time", "two of five members", all_of(FIVE, replaced("etcd", 0, 3))),
    _v(
        "one-stateful-machine-at-a-time quorum-survives-the-change",
        "two of three members with stacked etcd",
        all_of(stacked(), replaced("control-plane", 0, 1)),
    ),
    _v("one-stateful-machine-at-a-time", "two control planes beside external etcd", replaced("control-plane", 0, 1)),
    _v(
        "one-stateful-machine-at-a-time",
        "a member and a control plane",
        all_of(replaced("etcd", 0), replaced("control-plane", 1)),
    ),
    _v(
        "quorum-survives-the-change",
        "the only member, while two are added",
        all_of(replaced("etcd", 0), added("etcd", 1, 2)),
    ),
    _v(
        "quorum-survives-the-change one-stateful-machine-at-a-time",
        "all three members",
        replaced("etcd", 0, 1, 2),
    ),
    _v("quorum-survives-a-zone", "three members in two zones", TWO_ZONES),
    _v(
        "quorum-survives-a-zone machines-are-spread-over-zones",
        "two members in one of three zones",
        in_zone(2, ZONES[0]),
    ),
    _v("machines-are-spread-over-zones", "two control planes in one zone", in_subnet_of("control-plane", 2, 0)),
    _v(
        "machines-are-spread-over-zones",
        "all control planes in one zone",
        all_of(in_subnet_of("control-plane", 1, 0), in_subnet_of("control-plane", 2, 0)),
    ),
)
STORAGE: Final = (
    _v("etcd-volumes-are-kept", "a member's disk without protection", options(*VOLUME, protect=False)),
    _v("snapshots-are-scheduled", "no backups", lambda stack: stack, NO_BACKUPS),
    _v(
        "snapshots-are-scheduled",
        "a plan that is off",
        adding(made("snapshot-plan", "p", state="DISABLED")),
        NO_BACKUPS,
    ),
    _v("disks-are-encrypted", "a data disk", put(*VOLUME, "encrypted", to=False)),
    _v("disks-are-encrypted", "a data disk that says nothing", leaving_out(*VOLUME, "encrypted")),
    _v("disks-are-encrypted", "a root disk", put(*MEMBER, "rootBlockDevice", "encrypted", to=False)),
    _v("disks-are-encrypted", "a root disk that says nothing", leaving_out(*MEMBER, "rootBlockDevice")),
    _v("disks-are-encrypted", "a second disk", of_member(ebsBlockDevices=[{"deviceName": "/dev/sdg"}])),
    _v("disks-are-encrypted", "a worker's disk", of_template(blockDeviceMappings=[{"ebs": {"encrypted": "false"}}])),
    _v(
        "disks-are-encrypted",
        "workers that say nothing",
        leaving_out("template", "large-general", "blockDeviceMappings"),
    ),
    _bucket("buckets-are-encrypted", "that says nothing", removing("large-backups-encryption")),
    _bucket("buckets-are-private", "without a block", removing("large-backups-access")),
    _bucket(
        "buckets-are-private",
        "with half a block",
        put("access-block", "large-backups-access", "ignorePublicAcls", to=False),
    ),
    _bucket("buckets-are-private", "with a public ACL", put("bucket", "large-backups", "acl", to="public-read")),
    _bucket(
        "backups-are-kept", "that goes with its snapshots", put("bucket", "large-backups", "forceDestroy", to=True)
    ),
    _bucket("backups-are-kept", "without versions", removing("large-backups-versions")),
    _bucket(
        "backups-are-kept",
        "with versions suspended",
        put("versioning", "large-backups-versions", "versioningConfiguration", "status", to="Suspended"),
    ),
)
INSTANCES: Final = (
    _v("imdsv2-is-required", "tokens optional", put(*MEMBER, "metadataOptions", "httpTokens", to="optional")),
    _v(
        "imdsv2-is-required",
        "workers",
        put("template", "large-general", "metadataOptions", "httpTokens", to="optional"),
    ),
    _v("imdsv2-is-required metadata-hop-limit", "no metadata options", leaving_out(*MEMBER, "metadataOptions")),
    _v("metadata-hop-limit", "two hops", put(*MEMBER, "metadataOptions", HOP, to=2)),
    _v("metadata-hop-limit", "workers", put("template", "large-general", "metadataOptions", HOP, to=64)),
    _v("metadata-hop-limit", "left to the account", leaving_out(*MEMBER, "metadataOptions", HOP)),
    _v("images-do-not-replace-machines", "the image", options(*MEMBER, ignore_changes=("userDataBase64",))),
    _v("images-do-not-replace-machines", "the boot script", options(*MEMBER, ignore_changes=("ami",))),
    _v("machines-are-deleted-before-replaced", "a member", options(*MEMBER, delete_before_replace=False)),
    _v("etcd-is-not-on-burstable-machines", "a member", of_member(instanceType="t3.medium")),
    _v(
        "etcd-is-not-on-burstable-machines",
        "stacked etcd",
        all_of(stacked(), put("instance", "large-control-plane-1-instance", "instanceType", to="t4g.large")),
    ),
)

VIOLATIONS: Final = (*QUORUM, *STORAGE, *INSTANCES)
