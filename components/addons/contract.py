"""What every add-on says of itself before anything is made. Pure: policies, operations and others may ask it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from components.identity.statements import Account, Statement
from components.plan import Plan, Role


def _no_images(plan: Plan) -> Sequence[str]:
    return ()


def _no_statements(account: Account, plan: Plan, role: Role) -> Sequence[Statement]:
    return ()


@dataclass(frozen=True)
class AddOn:
    """An add-on, named as its folder. What it puts into the cluster is declared by the `resources.py` beside it.

    `images` are those that its pods run, each with registry and version. `statements` add to what nodes of a role,
    control plane or worker, may do in AWS: an add-on has no role of its own there. Only pods on a machine's own network
    get its credentials.
    """

    name: str
    wanted: Callable[[Plan], bool]
    images: Callable[[Plan], Sequence[str]] = _no_images
    statements: Callable[[Account, Plan, Role], Sequence[Statement]] = _no_statements
