"""Where the machines of a cluster stand: the VPC, who may talk to whom in it, and who may log in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pulumi import Resource, ResourceOptions

from components.access import OperatorKey
from components.identity.statements import Account
from components.network.interface_endpoints import InterfaceEndpoints
from components.network.security_groups import SecurityGroups
from components.network.traffic import Party, addresses_of, allowed
from components.network.vpc import Network
from components.plan import Plan
from components.region import Region
from components.tags import Tags


@dataclass(frozen=True)
class Site:
    """Where the machines of a cluster stand. `image` is the id of the one that new instances boot from."""

    plan: Plan
    account: Account
    network: Network
    groups: SecurityGroups
    operator_key: OperatorKey
    tags: Tags
    image: str

    @property
    def reachable_after(self) -> Sequence[Resource]:
        """What must be there before a machine boots, as it fetches its host key and its packages at once."""
        return [self.network, self.groups]


def make_site(name: str, plan: Plan, region: Region, child: ResourceOptions) -> Site:
    """The site of a plan. Its resources are named after `name`."""
    settings, account = plan.settings, region.account
    tags = Tags(settings.cluster.name, settings.tags)
    operator_key = OperatorKey(f"{name}-operator", tags, child)
    network = Network(f"{name}-network", plan, account.region, region.zones, tags, child)
    groups = SecurityGroups(f"{name}-groups", network.vpc_id, allowed(settings), addresses_of(settings), tags, child)
    if settings.network.interface_endpoints:
        InterfaceEndpoints(
            f"{name}-endpoints",
            settings.network.interface_endpoints,
            network,
            groups.ids[Party.ENDPOINTS],
            tags,
            child,
        )
    return Site(plan, account, network, groups, operator_key, tags, region.image)
