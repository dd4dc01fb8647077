"""Where snapshots of etcd are kept: a bucket that is only added to, and the key that they are encrypted with."""

from __future__ import annotations

import pulumi_aws as aws
from pulumi import ComponentResource, Output, ResourceOptions

from components.backups.names import bucket_prefix, key_alias
from components.backups.retention import UNDO_DAYS, UNFINISHED_DAYS, kept_days
from components.identity.statements import never_overwritten, policy
from components.plan import Plan
from components.tags import Tags

_KEY_WAITS_DAYS = 30


class SnapshotStore(ComponentResource):
    """The bucket by name and ARN, and the key's ARN. Both outlive the cluster unless the stack says otherwise.

    What the bucket is like is never taken from it: a bucket that stays, or that could not be deleted, stays private.
    """

    bucket_name: Output[str]
    bucket_arn: Output[str]
    key_arn: Output[str]

    def __init__(self, name: str, plan: Plan, tags: Tags, opts: ResourceOptions | None = None) -> None:
        super().__init__("quorate:backups:SnapshotStore", name, None, opts)
        cluster, self._backups = plan.settings.cluster.name, plan.settings.backups
        kept = ResourceOptions(parent=self, retain_on_delete=self._backups.keep_on_destroy)
        key = aws.kms.Key(
            f"{name}-key",
            description=f"snapshots of etcd of {cluster}",
            enable_key_rotation=True,
            deletion_window_in_days=_KEY_WAITS_DAYS,
            tags=tags.named("snapshots"),
            opts=kept,
        )
        aws.kms.Alias(
            f"{name}-alias", name=key_alias(cluster), target_key_id=key.key_id, opts=ResourceOptions(parent=self)
        )
        bucket = aws.s3.Bucket(
            f"{name}-bucket",
            bucket_prefix=bucket_prefix(cluster),
            tags=tags.named("snapshots"),
            # AWS deletes no bucket with objects in it. Then their key must be there.
            opts=ResourceOptions.merge(kept, ResourceOptions(depends_on=[key])),
        )
        self.bucket_name, self.bucket_arn, self.key_arn = bucket.bucket, bucket.arn, key.arn
        self._configure(name, bucket)
        self.register_outputs({})

    def _configure(self, name: str, bucket: aws.s3.Bucket) -> None:
        stays = ResourceOptions(parent=self, retain_on_delete=True)
        aws.s3.BucketPublicAccessBlock(
            f"{name}-access",
            bucket=bucket.id,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=stays,
        )
        aws.s3.BucketOwnershipControls(
            f"{name}-ownership",
            bucket=bucket.id,
            rule=aws.s3.BucketOwnershipControlsRuleArgs(object_ownership="BucketOwnerEnforced"),
            opts=stays,
        )
        aws.s3.BucketServerSideEncryptionConfiguration(
            f"{name}-encryption",
            bucket=bucket.id,
            rules=[
                aws.s3.BucketServerSideEncryptionConfigurationRuleArgs(
                    apply_server_side_encryption_by_default=(
                        aws.s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
                            sse_algorithm="aws:kms", kms_master_key_id=self.key_arn
                        )
                    ),
                    bucket_key_enabled=True,
                    # AWS's own default of new buckets. Left out, each refresh would find it, and each update end it.
                    blocked_encryption_types=["SSE-C"],
                )
            ],
            opts=stays,
        )
        versioning = aws.s3.BucketVersioning(
            f"{name}-versions",
            bucket=bucket.id,
            versioning_configuration=aws.s3.BucketVersioningVersioningConfigurationArgs(status="Enabled"),
            opts=stays,
        )
        aws.s3.BucketLifecycleConfiguration(
            f"{name}-retention",
            bucket=bucket.id,
            rules=self._retention(),
            opts=ResourceOptions.merge(stays, ResourceOptions(depends_on=[versioning])),
        )
        aws.s3.BucketPolicy(
            f"{name}-policy",
            bucket=bucket.id,
            policy=self.bucket_arn.apply(lambda arn: policy(never_overwritten(arn))),
            opts=stays,
        )

    def _retention(self) -> list[aws.s3.BucketLifecycleConfigurationRuleArgs]:
        """A rule for each class: what is too old is deleted, what was deleted and what was never finished goes."""
        return [
            aws.s3.BucketLifecycleConfigurationRuleArgs(
                id=str(kind),
                status="Enabled",
                filter=aws.s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=f"{kind}/"),
                expiration=aws.s3.BucketLifecycleConfigurationRuleExpirationArgs(days=days),
                noncurrent_version_expiration=aws.s3.BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs(
                    noncurrent_days=UNDO_DAYS
                ),
                abort_incomplete_multipart_upload=aws.s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(
                    days_after_initiation=UNFINISHED_DAYS
                ),
            )
            for kind, days in kept_days(self._backups).items()
        ]
