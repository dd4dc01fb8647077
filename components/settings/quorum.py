"""Quorum arithmetic: how many voters must agree, and how many may be lost. Pure."""

from __future__ import annotations


def quorum(members: int) -> int:
    """The smallest majority of `members` voters (1 or more)."""
    return members // 2 + 1


def tolerated_losses(members: int) -> int:
    """How many of `members` voters may be lost while the rest still has a majority."""
    return members - quorum(members)


def why_not_even(members: int) -> str:
    """The reason against an even count (2 or more), with its own figures."""
    return (
        f"{members} members need {quorum(members)} for a majority and survive the loss of "
        f"{tolerated_losses(members)}, no more than {members - 1} do, with one more machine that can fail"
    )
