"""Elastic Load Balancing's answers about target groups, as LocalAws gives them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

_NAMESPACE = 'xmlns="http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/"'


@dataclass
class TargetGroups:
    """The states of targets, by group and address. Each answer takes the first of several, until one is left."""

    states: dict[str, dict[str, list[str]]] = field(default_factory=dict)

    def answer(self, query: Mapping[str, str]) -> tuple[int, str]:
        if query["Action"] == "DescribeTargetGroups":
            name = query["Names.member.1"]
            if name not in self.states:
                return 400, (
                    f"<ErrorResponse {_NAMESPACE}><Error><Type>Sender</Type><Code>TargetGroupNotFound</Code>"
                    "<Message>One or more target groups not found</Message></Error></ErrorResponse>"
                )
            return 200, (
                f"<DescribeTargetGroupsResponse {_NAMESPACE}><DescribeTargetGroupsResult><TargetGroups><member>"
                f"<TargetGroupArn>arn:{name}</TargetGroupArn></member></TargetGroups></DescribeTargetGroupsResult>"
                "</DescribeTargetGroupsResponse>"
            )
        targets = self.states[query["TargetGroupArn"].removeprefix("arn:")]
        members = "".join(_member(address, states) for address, states in targets.items())
        return 200, (
            f"<DescribeTargetHealthResponse {_NAMESPACE}><DescribeTargetHealthResult><TargetHealthDescriptions>"
            f"{members}</TargetHealthDescriptions></DescribeTargetHealthResult></DescribeTargetHealthResponse>"
        )


def _member(address: str, states: list[str]) -> str:
    state = states.pop(0) if len(states) > 1 else states[0]
    reason = "" if state == "healthy" else "<Reason>Target.X</Reason><Description>Health checks failed</Description>"
    return (
        f"<member><Target><Id>{address}</Id><Port>6443</Port></Target><TargetHealth><State>{state}</State>{reason}"
        "</TargetHealth></member>"
    )
