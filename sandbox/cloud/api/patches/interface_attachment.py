"""Fault: DetachNetworkInterface refuses the primary interface of a terminated instance ("last interface").
Fault: an interface given at launch stays attached to its instance after termination, so it cannot be used again.

Here termination releases every interface; one that is to be deleted with the instance is deleted.
"""

from __future__ import annotations

from typing import Any

from moto.ec2.models.elastic_network_interfaces import NetworkInterfaceBackend
from moto.ec2.models.instances import Instance


def apply(region: str) -> None:
    terminate = Instance.terminate

    def terminate_and_release(self: Any) -> Any:
        interfaces = list(self.nics.values())
        outcome = terminate(self)
        for interface in interfaces:
            interface.instance = None
            interface.attachment_id = None
            interface.attach_time = None
            interface.device_index = None
            interface.status = "available"
            if interface.delete_on_termination or interface.description == "Primary network interface":
                self.ec2_backend.enis.pop(interface.id, None)
            for address in list(self._private_ips):
                interface.subnet.del_subnet_ip(address)
        return outcome

    Instance.terminate = terminate_and_release

    detach = NetworkInterfaceBackend.detach_network_interface

    def detach_network_interface(self: Any, attachment_id: str) -> None:
        for interface in list(self.enis.values()):
            if interface.attachment_id == attachment_id and interface.instance is not None:
                if interface.instance.state in ("shutting-down", "terminated"):
                    interface.instance.detach_eni(interface)
                    return
        detach(self, attachment_id)

    NetworkInterfaceBackend.detach_network_interface = detach_network_interface
