from __future__ import annotations

import os
from pathlib import Path

from sandbox.image.facts import Facts, detect


def host(root: Path, capabilities: str, files: dict[str, str]) -> Path:
    defaults = {"proc/self/status": f"Name:\tx\nCapBnd:\t{capabilities}\n", "proc/swaps": "Filename Type Size\n"}
    for path, content in (defaults | files).items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(content)
    return root


def test_a_full_host_with_cgroup_version_2_is_plain(tmp_path: Path) -> None:
    files = {
        "sys/fs/cgroup/cgroup.controllers": "cpu",
        "proc/config.gz": "",
        "proc/sys/net/bridge/bridge-nf-call-iptables": "1",
    }
    assert detect(host(tmp_path, "000001ffffffffff", files)).plain


def test_a_bounding_set_without_sys_resource_cannot_raise_limits(tmp_path: Path) -> None:
    assert not detect(host(tmp_path, "000001fffeffffff", {})).raises_limits
    assert detect(host(tmp_path, "0000000001000000", {})).raises_limits


def test_a_bare_host_has_none_of_what_is_optional(tmp_path: Path) -> None:
    found = detect(host(tmp_path, "0", {"proc/swaps": "Filename Type Size\n/swapfile file 1024\n"}))
    assert found == Facts(unified_cgroups=False, raises_limits=False, kernel_config="", bridge_filter=False, swap=True)


def test_the_kernels_configuration_is_also_found_in_boot(tmp_path: Path) -> None:
    name = f"boot/config-{os.uname().release}"
    assert detect(host(tmp_path, "0", {name: "CONFIG_X=y\n"})).kernel_config == f"/{name}"
