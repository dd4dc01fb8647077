"""The name of the cluster's API, in a private zone of the VPC, and what stands behind it."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi_aws as aws
from pulumi import ComponentResource, Output, Resource, ResourceOptions

from components.network.load_balancer import ApiLoadBalancer
from components.network.traffic import Party
from components.plan import PlannedMachine, load_balancer_name
from components.site import Site


class ApiEndpoint(ComponentResource):
    """Resolves the API's name inside the VPC: to the first control plane, or to a load balancer in front of all.

    No machine may ask for the name before its `record` is there: the VPC's resolver remembers for five minutes that
    there is none, for all machines (https://github.com/aws/aws-app-mesh-roadmap/issues/221).

    A public load balancer, if there is one, is only for operators: nodes never leave the VPC to reach the API.
    """

    internal: ApiLoadBalancer | None
    public: ApiLoadBalancer | None
    record: aws.route53.Record

    def __init__(self, name: str, site: Site, opts: ResourceOptions | None = None) -> None:
        super().__init__("quorate:index:ApiEndpoint", name, None, opts)
        plan = site.plan
        self._private = plan.machines_are_private
        endpoint, first = plan.settings.api_endpoint, plan.founder
        self.internal = self._balancer(f"{name}-internal", site, True) if endpoint.load_balancer else None
        self.public = self._balancer(f"{name}-public", site, False) if endpoint.public else None
        # The first must be a target before it is an API server: kubeadm calls it by the endpoint's name.
        self.first_target = self.add_target(first)
        zone = aws.route53.Zone(
            f"{name}-zone",
            name=plan.zone_name,
            comment=f"API endpoint of the cluster {plan.settings.cluster.name}",
            vpcs=[aws.route53.ZoneVpcArgs(vpc_id=site.network.vpc_id)],
            tags=site.tags.named("zone"),
            opts=ResourceOptions(parent=self),
        )
        self.record = aws.route53.Record(
            f"{name}-record",
            zone_id=zone.zone_id,
            name=plan.endpoint_name,
            type="A",
            ttl=None if self.internal else 60,
            records=None if self.internal else [first.address],
            aliases=[
                {
                    "name": self.internal.dns_name,
                    "zone_id": self.internal.zone_id,
                    # There is no other answer to give when no API server is ready.
                    "evaluate_target_health": False,
                }
            ]
            if self.internal
            else None,
            # The zone is this cluster's alone. An up that was cut off while the record spread left one that the state
            # does not know: the next up takes it over instead of failing on it.
            allow_overwrite=True,
            opts=ResourceOptions(parent=self),
        )
        self.register_outputs({})

    def add_target(self, machine: PlannedMachine, after: Sequence[Resource] = ()) -> Sequence[Resource]:
        """Puts a machine behind the load balancers that there are."""
        balancers = [balancer for balancer in (self.internal, self.public) if balancer]
        return [balancer.add_target(machine.name, machine.address, after) for balancer in balancers]

    def operators_host(self, first_machine: Output[str]) -> Output[str]:
        """Where operators reach the API: the public load balancer; else that of a private network; else a machine."""
        if self.public:
            return self.public.dns_name
        if self.internal and self._private:
            return self.internal.dns_name
        return first_machine

    def _balancer(self, name: str, site: Site, internal: bool) -> ApiLoadBalancer:
        network = site.network
        return ApiLoadBalancer(
            name,
            load_balancer_name(site.plan.settings.cluster.name, internal),
            internal,
            network.vpc_id,
            network.machine_subnet_ids if internal else network.public_subnet_ids,
            site.groups.ids[Party.LOAD_BALANCER if internal else Party.PUBLIC_LOAD_BALANCER],
            # An address of the internet needs the way to it.
            [*network.reservations, *([] if internal else [network.default_route])],
            site.tags,
            ResourceOptions(parent=self),
        )
