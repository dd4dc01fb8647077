"""Not a fault of moto: what a launch asks for and the sandbox's machines do not have is refused by name."""

from __future__ import annotations

from typing import Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.responses.instances import InstanceResponse

from sandbox.cloud.api.limits import Limits

_LIMITS = Limits(EC2ClientError, "machines", "ec2")
_REFUSED_VALUES: dict[str, tuple[Any, ...]] = {
    "CpuOptions": (),
    "ElasticInferenceAccelerators": (),
    "EnclaveOptions.Enabled": (True,),
    "HibernationOptions.Configured": (True,),
    "InstanceMarketOptions": (),
    "Ipv6AddressCount": (),
    "Ipv6Addresses": (),
    "KernelId": (),
    "MetadataOptions.HttpEndpoint": ("disabled",),
    "MetadataOptions.HttpProtocolIpv6": ("enabled",),
    "MetadataOptions.InstanceMetadataTags": ("enabled",),
    "NetworkPerformanceOptions": (),
    "Placement.GroupName": (),
    "Placement.HostId": (),
    "Placement.Tenancy": ("dedicated", "host"),
    "PrivateDnsNameOptions.HostnameType": ("resource-name",),
}
"""Values that the sandbox does not honour; () stands for any."""


def apply(region: str) -> None:
    run_instances = InstanceResponse.run_instances
    modify_metadata = InstanceResponse.modify_instance_metadata_options

    def run_within_limits(self: Any) -> Any:
        for name, values in _REFUSED_VALUES.items():
            _refuse("RunInstances", name, self._get_param(name), values)
        if int(self._get_param("MaxCount", 1)) != int(self._get_param("MinCount", 1)):
            _refuse("RunInstances", "MaxCount", "other than MinCount", ())
        interfaces = self._get_param("NetworkInterfaces", [])
        if len(interfaces) > 1:
            _refuse("RunInstances", "NetworkInterfaces", f"{len(interfaces)} of them", ())
        return run_instances(self)

    def modify_within_limits(self: Any) -> Any:
        for name, values in _REFUSED_VALUES.items():
            if name.startswith("MetadataOptions."):
                short = name.removeprefix("MetadataOptions.")
                _refuse("ModifyInstanceMetadataOptions", short, self._get_param(short), values)
        return modify_metadata(self)

    InstanceResponse.run_instances = run_within_limits
    InstanceResponse.modify_instance_metadata_options = modify_within_limits


def _refuse(call: str, name: str, value: Any, values: tuple[Any, ...]) -> None:
    if value and (not values or value in values):
        _LIMITS.refuse(call, name, value)
