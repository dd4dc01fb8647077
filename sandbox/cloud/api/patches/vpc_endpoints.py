"""Fault: a gateway endpoint's routes do not follow when its route tables change, are left in the first table when the
second is refused, and their absence makes the endpoint undeletable. A deleted endpoint is listed for ever.
Fault: an endpoint for a service that does not exist is taken.

Not a fault: interface endpoints, and gateway endpoints for other services than S3, are refused: there are no machines
behind them here.
"""

from __future__ import annotations

import json
from typing import Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.vpcs import VPCBackend, VPCEndPoint


def apply(region: str) -> None:
    create, describe = VPCBackend.create_vpc_endpoint, VPCBackend.describe_vpc_endpoints
    modify = VPCEndPoint.modify

    def create_endpoint(
        self: Any,
        vpc_id: str,
        service_name: str,
        endpoint_type: str | None,
        policy_document: str | None,
        route_table_ids: list[str],
        *rest: Any,
        **named: Any,
    ) -> Any:
        endpoint_type = endpoint_type or "Gateway"
        if endpoint_type != "Gateway" or service_name != f"com.amazonaws.{region}.s3":
            raise EC2ClientError(
                "SandboxNotModelled",
                f"the sandbox has gateway endpoints for S3 alone: {endpoint_type} endpoint for {service_name} refused",
            )
        if policy_document and json.loads(policy_document) != VPCEndPoint.DEFAULT_POLICY:
            raise EC2ClientError("SandboxNotModelled", "the sandbox does not judge endpoint policies: refused")
        _require_tables(self, vpc_id, route_table_ids)
        named.pop("private_dns_enabled", None)
        return create(self, vpc_id, service_name, endpoint_type, policy_document, route_table_ids, *rest, **named)

    def modify_endpoint(self: Any, policy: Any, add_subnets: Any, remove_subnets: Any, *changes: Any) -> None:
        added, removed = list(changes[0] or []), list(changes[1] or [])
        _require_tables(self.ec2_backend, self.vpc_id, added)
        modify(self, policy, add_subnets, remove_subnets, *changes)
        for table_id in added:
            self.ec2_backend.create_route(
                table_id, None, gateway_id=self.id, destination_prefix_list_id=self.destination_prefix_list_id
            )
        _remove_routes(self, removed)

    def delete_endpoints(self: Any, vpce_ids: list[str] | None = None) -> None:
        for endpoint_id in vpce_ids or []:
            endpoint = self.vpc_end_points.pop(endpoint_id, None)
            if endpoint is None:
                raise EC2ClientError(
                    "InvalidVpcEndpointId.NotFound", f"The Vpc Endpoint Id '{endpoint_id}' does not exist"
                )
            _remove_routes(endpoint, endpoint.route_table_ids)

    def describe_endpoints(self: Any, vpc_end_point_ids: list[str] | None, filters: Any = None) -> list[Any]:
        if missing := sorted(set(vpc_end_point_ids or []) - self.vpc_end_points.keys()):
            raise EC2ClientError("InvalidVpcEndpointId.NotFound", f"The Vpc Endpoint Id '{missing[0]}' does not exist")
        found: list[Any] = describe(self, vpc_end_point_ids, filters)
        return found

    VPCBackend.create_vpc_endpoint = create_endpoint
    VPCBackend.delete_vpc_endpoints = delete_endpoints
    VPCBackend.describe_vpc_endpoints = describe_endpoints
    VPCEndPoint.modify = modify_endpoint


def _require_tables(backend: Any, vpc_id: str, table_ids: list[str]) -> None:
    for table_id in table_ids:
        if backend.get_route_table(table_id).vpc_id != vpc_id:
            raise EC2ClientError(
                "InvalidParameter", f"The route table {table_id} does not belong to the network {vpc_id}"
            )


def _remove_routes(endpoint: Any, table_ids: list[str]) -> None:
    """From those tables that are still there."""
    for table_id in table_ids:
        table = endpoint.ec2_backend.route_tables.get(table_id)
        for route in list(table._routes.values()) if table else []:
            if route.gateway_id == endpoint.id:
                del table._routes[route.id]
