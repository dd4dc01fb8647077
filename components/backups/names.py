"""What the parts of a cluster's snapshots are called in AWS. Pure."""

from __future__ import annotations


def bucket_prefix(cluster: str) -> str:
    """What the bucket's name begins with; AWS adds 26 digits to it.

    A bucket that was kept does not stand in the way of the next cluster of that name.
    """
    return f"quorate-{cluster}-"


def key_alias(cluster: str) -> str:
    """The name of the key that snapshots are encrypted with. It goes with the cluster, even where the key is kept."""
    return f"alias/quorate-{cluster}-snapshots"
