"""Disks and buckets: encrypted, private, kept. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from policies.context import highly_available
from policies.machines import INSTANCE, LAUNCH_TEMPLATE, VOLUME, is_data_volume, voters
from policies.model import Context, Finding, Resource, ResourceRule, Severity, Stack, StackRule
from policies.values import UNKNOWN, at, is_true, items

BUCKETS: Final = ("aws:s3/bucket:Bucket", "aws:s3/bucketV2:BucketV2")
ACCESS_BLOCK: Final = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
ENCRYPTION: Final = (
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    "aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2",
)
VERSIONING: Final = ("aws:s3/bucketVersioning:BucketVersioning", "aws:s3/bucketVersioningV2:BucketVersioningV2")
SNAPSHOT_PLAN: Final = "aws:dlm/lifecyclePolicy:LifecyclePolicy"
_BLOCKS: Final = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")


def volumes_are_kept(stack: Stack, context: Context) -> Iterable[Finding]:
    if len(voters(stack)) < 2:
        return
    for volume in filter(is_data_volume, stack.resources):
        final = volume.get("finalSnapshot")
        if not volume.protect and final is not UNKNOWN and not is_true(final):
            yield Finding(
                f"{volume.name} holds etcd's data and is neither protected nor snapshotted before deletion.",
                "set quorate:etcd.protectVolumes to true.",
                volume,
            )


def snapshots_are_scheduled(stack: Stack, context: Context) -> Iterable[Finding]:
    if not highly_available(context) or len(voters(stack)) < 2:
        return
    settings = context.settings
    if settings is not None and settings.backups.enabled:
        return
    plans = [plan for plan in stack.of_type(SNAPSHOT_PLAN) if plan.get("state") in (UNKNOWN, None, "ENABLED")]
    if not plans:
        yield Finding(
            f"{len(voters(stack))} etcd members and no scheduled snapshots.",
            "set quorate:backups.enabled to true: nothing restarts for it.",
        )


def disks_are_encrypted(resource: Resource, context: Context) -> Iterable[Finding]:
    if resource.type == VOLUME and resource.get("snapshotId") is None:
        yield from _unencrypted(resource, resource.get("encrypted"), "it", "encrypted=True")
    if resource.type == INSTANCE:
        root = resource.get("rootBlockDevice")
        if root is not UNKNOWN:
            value = None if root is None else resource.get("rootBlockDevice", "encrypted")
            yield from _unencrypted(resource, value, "its root disk", "root_block_device.encrypted=True")
        for number, disk in enumerate(items(resource.get("ebsBlockDevices"))):
            yield from _unencrypted(
                resource,
                at(disk, "encrypted"),
                f"disk {at(disk, 'deviceName')}",
                f"ebs_block_devices[{number}].encrypted",
            )
    if resource.type == LAUNCH_TEMPLATE:
        disks = resource.get("blockDeviceMappings")
        if disks is None or disks == []:
            yield from _unencrypted(resource, None, "the root disk", "block_device_mappings with ebs.encrypted=true")
        for disk in items(disks):
            ebs = at(disk, "ebs")
            if isinstance(ebs, dict):
                yield from _unencrypted(
                    resource, ebs.get("encrypted"), f"disk {at(disk, 'deviceName')}", "ebs.encrypted=true"
                )


def _unencrypted(resource: Resource, value: object, what: str, remedy: str) -> Iterator[Finding]:
    if value is not UNKNOWN and not is_true(value):
        yield Finding(f"{what} is not encrypted ({resource.name}).", f"set {remedy}.", resource)


def _companions(stack: Stack, bucket: Resource, types: tuple[str, ...]) -> list[Resource]:
    """Resources that configure a bucket: by reference, or by its name."""
    name = bucket.get("bucket")
    return [
        other
        for other in stack.of_type(*types)
        if bucket in stack.referred(other, "bucket") or (isinstance(name, str) and other.get("bucket") == name)
    ]


def buckets_are_encrypted(stack: Stack, context: Context) -> Iterable[Finding]:
    for bucket in stack.of_type(*BUCKETS):
        inline = bucket.get("serverSideEncryptionConfiguration", "rule")
        if not _companions(stack, bucket, ENCRYPTION) and inline is not UNKNOWN and not inline:
            yield Finding(
                f"bucket {bucket.name} doesn't say how it is encrypted.",
                "add an aws.s3.BucketServerSideEncryptionConfiguration for it, with AES256 or aws:kms.",
                bucket,
            )


def buckets_are_private(stack: Stack, context: Context) -> Iterable[Finding]:
    for bucket in stack.of_type(*BUCKETS):
        acl = bucket.get("acl")
        if isinstance(acl, str) and acl.startswith(("public-", "authenticated-")):
            yield Finding(f"bucket {bucket.name} has the ACL {acl}.", "leave acl out.", bucket)
        blocks = _companions(stack, bucket, (ACCESS_BLOCK,))
        if not blocks:
            yield Finding(
                f"bucket {bucket.name} doesn't block public access.",
                "add an aws.s3.BucketPublicAccessBlock for it with all four settings true.",
                bucket,
            )
        for block in blocks:
            off = [key for key in _BLOCKS if block.get(key) is not UNKNOWN and not is_true(block.get(key))]
            if off:
                yield Finding(f"{block.name} leaves {', '.join(off)} off.", "set all four to true.", block)


def backups_are_kept(stack: Stack, context: Context) -> Iterable[Finding]:
    for bucket in stack.of_type(*BUCKETS):
        if is_true(False if bucket.get("forceDestroy") is UNKNOWN else bucket.get("forceDestroy")):
            yield Finding(
                f"bucket {bucket.name} is deleted with everything in it (forceDestroy).",
                "leave force_destroy out.",
                bucket,
            )
        states = [item.get("versioningConfiguration", "status") for item in _companions(stack, bucket, VERSIONING)]
        inline = bucket.get("versioning", "enabled")
        on = any(state is UNKNOWN or state == "Enabled" for state in states)
        if not on and inline is not UNKNOWN and not is_true(inline):
            yield Finding(
                f"bucket {bucket.name} keeps no versions.",
                "add an aws.s3.BucketVersioning for it with status Enabled.",
                bucket,
            )


RULES = (
    StackRule(
        "etcd-volumes-are-kept",
        "The data volumes of a cluster with several members are protected from deletion.",
        "the whole state of the cluster is on them; a renamed resource or a removed setting would delete them.",
        Severity.CRITICAL,
        check=volumes_are_kept,
    ),
    StackRule(
        "snapshots-are-scheduled",
        "A highly available cluster takes snapshots of etcd on a schedule.",
        "more members don't help against a deleted namespace or a lost quorum; only a snapshot restores objects.",
        Severity.HIGH,
        check=snapshots_are_scheduled,
    ),
    ResourceRule(
        "disks-are-encrypted",
        "Every disk is encrypted.",
        "etcd's data and the root disks hold every Secret of the cluster and the keys of its authorities.",
        Severity.HIGH,
        check=disks_are_encrypted,
    ),
    StackRule(
        "buckets-are-encrypted",
        "Every bucket says how it is encrypted.",
        "a snapshot of etcd holds every Secret of the cluster.",
        Severity.HIGH,
        check=buckets_are_encrypted,
    ),
    StackRule(
        "buckets-are-private",
        "Every bucket blocks public access.",
        "anyone who reads a snapshot of etcd has every Secret and token of the cluster.",
        Severity.CRITICAL,
        check=buckets_are_private,
    ),
    StackRule(
        "backups-are-kept",
        "Buckets keep versions and aren't deleted together with their contents.",
        "snapshots are needed most after a mistake, which must not be able to delete them too.",
        Severity.HIGH,
        check=backups_are_kept,
    ),
)
