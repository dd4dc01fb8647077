"""What the parts of a cluster's snapshots are called."""

from __future__ import annotations

import re

from components.backups.names import bucket_prefix, key_alias
from components.settings.formats import CLUSTER_NAME

LONGEST = "a" + "-z" * 9 + "9"
# What AWS, or the provider for it, adds to a prefix.
ADDED = 26


def test_the_bucket_of_the_longest_cluster_name_has_a_name_that_s3_takes() -> None:
    assert CLUSTER_NAME.refuse(LONGEST) is None
    assert CLUSTER_NAME.refuse(f"{LONGEST}9") is not None, "it is not the longest"
    name = bucket_prefix(LONGEST) + "2" * ADDED
    assert re.fullmatch(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", name)


def test_a_keys_alias_is_one_that_kms_takes() -> None:
    assert re.fullmatch(r"alias/[a-zA-Z0-9/_-]+", key_alias(LONGEST))
    assert not key_alias("aws").startswith("alias/aws"), "these are AWS's own"
