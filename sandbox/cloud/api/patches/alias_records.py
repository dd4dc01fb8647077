"""Fault: an alias record may lead to a load balancer that does not exist, or to one in another hosted zone.

Not a fault: aliases to anything but the account's load balancers are refused, because no name stands behind them here.
"""

from __future__ import annotations

from typing import Any

from moto.elbv2.models import elbv2_backends
from moto.route53.exceptions import Route53ClientError
from moto.route53.models import Route53Backend


def apply(region: str) -> None:
    change = Route53Backend.change_resource_record_sets

    def change_checked(self: Any, zoneid: str, change_list: list[dict[str, Any]]) -> None:
        for item in change_list:
            alias = item["ResourceRecordSet"].get("AliasTarget")
            if alias and item["Action"] != "DELETE":
                _check(self.account_id, region, item["ResourceRecordSet"], alias)
        change(self, zoneid, change_list)

    Route53Backend.change_resource_record_sets = change_checked


def _check(account: str, region: str, record: dict[str, Any], alias: dict[str, Any]) -> None:
    name = bare_name(alias["DNSName"])
    balancers = list(elbv2_backends[account][region].load_balancers.values())
    found = next((balancer for balancer in balancers if balancer.dns_name.lower() == name), None)
    if found is None:
        _refuse(
            f"Tried to create an alias that targets {name}., type {record['Type']} in zone {alias['HostedZoneId']}, "
            "but that target was not found"
        )
        return
    if found.canonical_hosted_zone_id != alias["HostedZoneId"]:
        _refuse(
            f"Tried to create an alias that targets {name}., type {record['Type']} in zone {alias['HostedZoneId']}, "
            "but the alias target name does not lie within the target zone"
        )
    if record["Type"] != "A":
        _refuse(f"An alias of type {record['Type']} to {name}.: the sandbox's load balancers have IPv4 addresses alone")


def _refuse(text: str) -> None:
    raise Route53ClientError("InvalidChangeBatch", f"[{text}]")


def bare_name(name: str) -> str:
    return str(name).rstrip(".").lower().removeprefix("dualstack.")
