"""Fault: an instance keeps security groups and source/destination check of its own beside those of its interface, so
that groups given with an interface, or changed on it, are not the instance's, and the other way round.
Fault: an instance launched on an existing interface stands in the region's first zone, whatever the interface's is.
Fault: DescribeInstances shows an empty association for an interface without a public address.
Fault: an interface in use can be used for another instance, and deleted; an unknown security group is invented.

Here the primary interface says what holds for its instance.
"""

from __future__ import annotations

from typing import Any

from moto.ec2.exceptions import EC2ClientError, InvalidSecurityGroupNotFoundError
from moto.ec2.models.elastic_network_interfaces import NetworkInterface, NetworkInterfaceBackend
from moto.ec2.models.instances import Instance, InstanceBackend


def apply(region: str) -> None:
    begin = Instance.__init__

    def begin_at_interface(self: Any, ec2_backend: Any, *arguments: Any, **named: Any) -> None:
        for nic in named.get("nics") or []:
            interface_id = nic.get("NetworkInterfaceId")
            if interface_id:
                interface = ec2_backend.get_network_interface(interface_id)
                _require_available(interface)
                if int(nic.get("DeviceIndex") or 0) == 0:
                    named["subnet_id"] = interface.subnet.id
        begin(self, ec2_backend, *arguments, **named)

    Instance.__init__ = begin_at_interface
    Instance.security_groups = property(_groups_of, _set_groups)
    Instance.source_dest_check = property(_check_of, _set_check)
    NetworkInterface.group_set = property(lambda self: self._group_set)
    association = NetworkInterface.association
    NetworkInterface.association = property(lambda self: association.fget(self) or None)

    create = NetworkInterfaceBackend.create_network_interface
    delete = NetworkInterfaceBackend.delete_network_interface
    modify = NetworkInterfaceBackend.modify_network_interface_attribute
    attach = NetworkInterfaceBackend.attach_network_interface
    modify_instance = InstanceBackend.modify_instance_security_groups

    def create_interface(
        self: Any,
        subnet: Any,
        private_ip_address: Any = None,
        private_ip_addresses: Any = None,
        group_ids: list[str] | None = None,
        *arguments: Any,
        **named: Any,
    ) -> Any:
        found = self.get_subnet(subnet) if isinstance(subnet, str) else subnet
        groups = list(dict.fromkeys(group_ids or []))
        require_groups(self, groups, found.vpc_id)
        return create(self, found, private_ip_address, private_ip_addresses, groups, *arguments, **named)

    def delete_interface(self: Any, eni_id: str) -> None:
        interface = self.enis.get(eni_id)
        if interface is not None and interface.instance is not None and not interface.delete_on_termination:
            raise EC2ClientError("InvalidParameterValue", f"Network interface '{eni_id}' is currently in use.")
        delete(self, eni_id)

    def modify_interface(self: Any, eni_id: str, group_ids: list[str], *arguments: Any, **named: Any) -> None:
        require_groups(self, group_ids, self.get_network_interface(eni_id).subnet.vpc_id)
        modify(self, eni_id, group_ids, *arguments, **named)

    def attach_interface(self: Any, eni_id: str, *arguments: Any, **named: Any) -> Any:
        _require_available(self.get_network_interface(eni_id))
        return attach(self, eni_id, *arguments, **named)

    def modify_instance_groups(self: Any, instance_id: str, new_group_id_list: list[str]) -> Any:
        require_groups(self, new_group_id_list, self.get_instance(instance_id).vpc_id)
        return modify_instance(self, instance_id, new_group_id_list)

    NetworkInterfaceBackend.create_network_interface = create_interface
    NetworkInterfaceBackend.delete_network_interface = delete_interface
    NetworkInterfaceBackend.modify_network_interface_attribute = modify_interface
    NetworkInterfaceBackend.attach_network_interface = attach_interface
    InstanceBackend.modify_instance_security_groups = modify_instance_groups


def require_groups(backend: Any, group_ids: list[str], vpc_id: str) -> None:
    """Refuses a security group that does not exist or belongs to another VPC."""
    for group_id in group_ids:
        group = backend.get_security_group_from_id(group_id)
        if group is None:
            raise InvalidSecurityGroupNotFoundError(group_id)
        if group.vpc_id != vpc_id:
            raise EC2ClientError(
                "InvalidParameter", f"Security group {group_id} and subnet belong to different networks ({vpc_id})."
            )


def _require_available(interface: Any) -> None:
    if interface.instance is not None:
        raise EC2ClientError(
            "InvalidNetworkInterface.InUse", f"Network interface '{interface.id}' is currently in use."
        )


def _primary(instance: Any) -> Any:
    return getattr(instance, "nics", {}).get(0)


def _groups_of(instance: Any) -> list[Any]:
    primary = _primary(instance)
    return list(primary._group_set) if primary else instance.__dict__.get("launched_with_groups", [])


def _set_groups(instance: Any, groups: list[Any]) -> None:
    primary = _primary(instance)
    if primary:
        primary._group_set = list(groups)
    else:
        instance.__dict__["launched_with_groups"] = groups


def _check_of(instance: Any) -> bool:
    primary = _primary(instance)
    return bool(primary.source_dest_check) if primary else True


def _set_check(instance: Any, value: Any) -> None:
    primary = _primary(instance)
    if primary:
        primary.source_dest_check = str(value).lower() == "true"
