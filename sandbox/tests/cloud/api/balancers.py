"""Network load balancers, target groups and listeners for tests, made by the API."""

from __future__ import annotations

from typing import Any

from sandbox.tests.cloud.api.account import Account

CHECK = {
    "HealthCheckProtocol": "HTTPS",
    "HealthCheckPath": "/readyz",
    "HealthCheckPort": "6443",
    "HealthCheckIntervalSeconds": 5,
    "HealthCheckTimeoutSeconds": 4,
    "HealthyThresholdCount": 2,
    "UnhealthyThresholdCount": 2,
    "Matcher": {"HttpCode": "200"},
}


def balancer(account: Account, *subnets: str, name: str = "api", **options: Any) -> dict[str, Any]:
    told = {"Name": name, "Type": "network", "Scheme": "internal"}
    if subnets:
        told["Subnets"] = list(subnets)  # type: ignore[assignment]
    made: dict[str, Any] = account.client("elbv2").create_load_balancer(**told | options)["LoadBalancers"][0]
    return made


def targets(account: Account, vpc: str, name: str = "api", **options: Any) -> str:
    told = {"Name": name, "Protocol": "TCP", "Port": 6443, "VpcId": vpc, "TargetType": "ip"} | CHECK
    made = account.client("elbv2").create_target_group(**told | options)
    return str(made["TargetGroups"][0]["TargetGroupArn"])


def forward(group: str) -> list[dict[str, str]]:
    return [{"Type": "forward", "TargetGroupArn": group}]


def listener(account: Account, arn: str, group: str, port: int = 6443, **options: Any) -> str:
    told = {"LoadBalancerArn": arn, "Port": port, "Protocol": "TCP", "DefaultActions": forward(group)}
    return str(account.client("elbv2").create_listener(**told | options)["Listeners"][0]["ListenerArn"])
