"""What the account knows of a request for the condition keys of a policy."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from moto.autoscaling.models import autoscaling_backends
from moto.ssm.models import ssm_backends

from sandbox.cloud.api.calls import Call
from sandbox.cloud.api.conditions import NotModelled
from sandbox.cloud.api.signatures import signature_of

# A role of a machine has none of these, nor does an account without an organization.
_ABSENT = {
    "aws:federatedprovider",
    "aws:multifactorauthage",
    "aws:multifactorauthpresent",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:referer",
    "aws:resourceorgid",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceidentity",
    "aws:username",
}


@dataclass(frozen=True)
class RoleFacts:
    """The condition keys of a call by a machine's role, moto's, about a resource; `instance` is the machine's id."""

    account: str
    role: Any
    instance: str
    environ: Mapping[str, Any]
    call: Call
    resource: str

    @property
    def region(self) -> str:
        signature = signature_of(self.environ)
        return signature.region if signature else ""

    def __call__(self, key: str) -> tuple[str, ...] | None:
        """Raises NotModelled for a key that the sandbox has no values of, such as the address that a call came from."""
        name, _, tag = key.partition("/")
        name = name.lower()
        if name == "aws:principaltag":
            return _one(_by_key(self.role.tags).get(tag))
        if name.endswith(":resourcetag"):
            return _one(self._resource_tags(key).get(tag))
        now = datetime.datetime.now(datetime.UTC)
        known = {
            "aws:currenttime": now.isoformat(),
            "aws:epochtime": str(int(now.timestamp())),
            "aws:principalaccount": self.account,
            "aws:principalarn": self.role.arn,
            "aws:principalisawsservice": "false",
            "aws:principaltype": "AssumedRole",
            "aws:requestedregion": self.region,
            "aws:resourceaccount": self.account,
            "aws:securetransport": "true",
            "aws:useragent": self.environ.get("HTTP_USER_AGENT", ""),
            "aws:userid": f"{self.role.id}:{self.instance}",
            "aws:viaawsservice": "false",
            "ec2:sourceinstancearn": f"arn:aws:ec2:{self.region}:{self.account}:instance/{self.instance}",
            **dict.fromkeys(_ABSENT),
        }
        if name not in known:
            raise NotModelled(f"the sandbox does not know the condition key {key} of {self.call.name}")
        return _one(known[name])

    def _resource_tags(self, key: str) -> Mapping[str, str]:
        _, _, name = self.resource.partition(":parameter/")
        if name:
            store = ssm_backends[self.account][self.region]
            found = next((path for path in (f"/{name}", name) if store.get_parameter(path)), None)
            return store.list_tags_for_resource("Parameter", found) if found else {}
        _, _, name = self.resource.partition(":autoScalingGroupName/")
        if name:
            group: Any = autoscaling_backends[self.account][self.region].autoscaling_groups.get(name)
            return _by_key(group.tags) if group else {}
        raise NotModelled(f"the sandbox does not know which resource's {key} {self.call.name} is about")


def _one(value: str | None) -> tuple[str, ...] | None:
    return None if value is None else (value,)


def _by_key(tags: Iterable[Mapping[str, str]]) -> Mapping[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tags}
