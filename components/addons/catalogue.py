"""All add-ons, and what those that a plan wants need together. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from components.addons.cluster_dns.addon import CLUSTER_DNS
from components.addons.contract import AddOn
from components.addons.metrics_server.addon import METRICS_SERVER
from components.addons.storage_class.addon import STORAGE_CLASS
from components.identity.statements import Account, Statement
from components.plan import Plan, Role

ADDONS: tuple[AddOn, ...] = (CLUSTER_DNS, METRICS_SERVER, STORAGE_CLASS)


def wanted_addons(plan: Plan) -> Sequence[AddOn]:
    """The add-ons that a plan's cluster has."""
    return [addon for addon in ADDONS if addon.wanted(plan)]


def addon_statements(account: Account, plan: Plan, role: Role) -> Sequence[Statement]:
    """What the wanted add-ons need machines of a role to be allowed."""
    return [statement for addon in wanted_addons(plan) for statement in addon.statements(account, plan, role)]
