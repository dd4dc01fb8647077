"""Which resources are machines, whatever their cluster is called."""

from __future__ import annotations

import pytest

from policies.machines import machine_name
from policies.model import Resource


@pytest.mark.parametrize(
    ("name", "machine"),
    [
        ("prod-etcd-2-instance", ("etcd", 2)),
        ("etcd-1-control-plane-0-instance", ("control-plane", 0)),
        ("control-plane-1-etcd-2-volume", ("etcd", 2)),
        ("etcd-1-bastion-instance", None),
        ("etcd-1-bastion", None),
        ("my-control-plane-0-x-bastion-instance", None),
        ("prod-bastion-instance", None),
    ],
)
def test_a_bastion_is_no_member_of_a_cluster_that_is_called_like_one(
    name: str, machine: tuple[str, int] | None
) -> None:
    assert machine_name(Resource("aws:ec2/instance:Instance", name, {})) == machine
