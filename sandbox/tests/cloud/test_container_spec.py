"""A machine gets what an EC2 instance has, and no capability that the host cannot hand on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sandbox.cloud.container_spec import capabilities_in, container_spec


def spec() -> dict[str, Any]:
    return container_spec(
        instance_id="i-1",
        hostname="ip-10-20-0-10",
        rootfs=Path("/disk/rootfs"),
        network_namespace=Path("/run/netns/quorate-i-1"),
        init=["/sbin/machine-init"],
        capabilities=["CAP_SYS_ADMIN", "CAP_CHOWN"],
        own_directories={"/var/lib/containerd": Path("/disk/containerd")},
    )


def test_capabilities_are_read_from_the_kernels_mask() -> None:
    assert capabilities_in(0b1) == ["CAP_CHOWN"]
    without_sys_resource = 0x000001FFFEFFFFFF
    assert "CAP_SYS_RESOURCE" not in capabilities_in(without_sys_resource)
    assert "CAP_SYS_ADMIN" in capabilities_in(without_sys_resource)
    assert len(capabilities_in(without_sys_resource)) == 40


def test_the_machine_joins_the_network_made_for_it() -> None:
    namespaces = {n["type"]: n.get("path") for n in spec()["linux"]["namespaces"]}
    assert namespaces["network"] == "/run/netns/quorate-i-1"
    assert {"pid", "ipc", "uts", "mount", "cgroup"} <= namespaces.keys()


def test_the_container_store_is_off_the_overlay() -> None:
    assert {
        "destination": "/var/lib/containerd",
        "type": "bind",
        "source": "/disk/containerd",
        "options": ["rbind", "rw"],
    } in spec()["mounts"]


def test_all_its_cgroups_lie_below_one_group_of_the_sandboxs_own() -> None:
    assert spec()["linux"]["cgroupsPath"] == "/quorate/i-1"
