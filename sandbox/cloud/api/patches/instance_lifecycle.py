"""Fault: an instance is `running` before anything can have booted, and `terminated`, its disks and addresses free,
before anything can have ended. One that is terminated can be started again.

Here the in-between states last until the region reports that the machine has started or ended (`finish`). What the
instance holds is released when it has ended; an interface made for it at launch goes with it, others stay.
"""

from __future__ import annotations

from typing import Any

from moto.ec2.exceptions import EC2ClientError, OperationNotPermitted
from moto.ec2.models.elastic_network_interfaces import NetworkInterfaceBackend
from moto.ec2.models.instances import Instance, InstanceState

_NEXT = {"pending": ("running", 16), "stopping": ("stopped", 80), "shutting-down": ("terminated", 48)}
_terminate = Instance.terminate


def apply(region: str) -> None:
    begin, prepare, start, stop = Instance.__init__, Instance.prep_nics, Instance.start, Instance.stop

    def begin_pending(self: Any, *arguments: Any, **named: Any) -> None:
        begin(self, *arguments, **named)
        _set(self, "pending", 0)

    def prepare_interfaces(self: Any, nic_spec: Any, *arguments: Any, **named: Any) -> None:
        given = {nic.get("NetworkInterfaceId") for nic in nic_spec}
        prepare(self, nic_spec, *arguments, **named)
        for interface in self.nics.values():
            if interface.id not in given:
                told: dict[str, Any] = next(
                    (n for n in nic_spec if int(n.get("DeviceIndex") or 0) == interface.device_index), {}
                )
                interface.delete_on_termination = str(told.get("DeleteOnTermination", True)).lower() == "true"

    def start_pending(self: Any) -> InstanceState:
        _require(self, "start", "stopped", "pending", "running")
        before = start(self)
        _set(self, *(("running", 16) if before.name == "running" else ("pending", 0)))
        return before

    def stop_in_order(self: Any) -> InstanceState:
        _require(self, "stop", "pending", "running", "stopping", "stopped")
        before = stop(self)
        _set(self, *(("stopped", 80) if before.name == "stopped" else ("stopping", 64)))
        return before

    def terminate_in_order(self: Any) -> InstanceState:
        before = InstanceState(self._state.name, self._state.code)
        if before.name != "terminated":
            _set(self, "shutting-down", 32)
        return before

    def reboot(self: Any) -> None:
        raise NotImplementedError("the sandbox's machines can be stopped and started, not rebooted")

    def detach(self: Any, attachment_id: str) -> None:
        interface = next((eni for eni in self.enis.values() if eni.attachment_id == attachment_id), None)
        if interface is None:
            raise EC2ClientError("InvalidAttachmentID.NotFound", f"The attachment '{attachment_id}' does not exist")
        if interface.device_index == 0:
            raise OperationNotPermitted("The network interface at device index 0 cannot be detached.")
        interface.instance.detach_eni(interface)

    Instance.__init__ = begin_pending
    Instance.prep_nics = prepare_interfaces
    Instance.start, Instance.stop, Instance.terminate = start_pending, stop_in_order, terminate_in_order
    Instance.reboot = reboot
    NetworkInterfaceBackend.detach_network_interface = detach


def finish(instance: Any) -> None:
    """Moves an instance on from an in-between state; nothing where it is in none."""
    if instance.state not in _NEXT:
        return
    name, code = _NEXT[instance.state]
    if name == "terminated":
        _release(instance)
    _set(instance, name, code)


def _release(instance: Any) -> None:
    interfaces = list(instance.nics.values())
    for interface in interfaces:
        if not interface.delete_on_termination:
            interface.instance, interface.attachment_id, interface.attach_time = None, None, None
            interface.device_index, interface.status = None, "available"
        else:
            for address in [a for a in instance.ec2_backend.addresses if a.eni is interface]:
                instance.ec2_backend.disassociate_address(association_id=address.association_id)
    _terminate(instance)


def _set(instance: Any, name: str, code: int) -> None:
    instance._state.name, instance._state.code = name, code


def _require(instance: Any, action: str, *states: str) -> None:
    if instance.state not in states:
        raise EC2ClientError(
            "IncorrectInstanceState",
            f"The instance '{instance.id}' is not in a state from which it can {action}: it is {instance.state}",
        )
