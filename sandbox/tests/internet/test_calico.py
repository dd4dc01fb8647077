from __future__ import annotations

from pathlib import Path

import pytest

from components.network_plugins.calico.manifest import calico_images
from components.settings.plugin_versions import CALICO_VERSIONS
from sandbox.internet import calico
from sandbox.internet.oci import Image
from sandbox.toolchain.build import tool_named


@pytest.fixture
def images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Image]:
    """Calico's images by name, made from a pretended source without Debian's parts."""
    source = tmp_path / "source"
    for path, content in {
        "LICENSE.md": "licence",
        "node/filesystem/sbin/start_runit": "#!/bin/sh\n",
        "node/filesystem/etc/rc.local": "# no first line\n",
        "node/filesystem/etc/service/available/felix/run": "#!/bin/sh\n",
        "node/filesystem/etc/calico/felix.cfg": "[global]\n",
        "node/filesystem/etc/calico/confd/config/.gitkeep": "",
    }.items():
        file = source / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    monkeypatch.setattr(calico, "entries_for", lambda *_: [])
    return {image.name: image for image in calico.calico_images(tmp_path, source, ())}


def test_its_images_have_the_name_of_their_version_alone(images: dict[str, Image]) -> None:
    served = {reference for image in images.values() for reference in image.references}
    version = tool_named("calico").version
    assert version in CALICO_VERSIONS
    assert served == set(calico_images(version))


def test_upstreams_scripts_of_the_node_can_be_run_and_its_settings_are_plain_files(images: dict[str, Image]) -> None:
    modes = {entry.path: entry.mode for entry in images[f"{calico.REGISTRY}/node"].entries}
    assert modes["usr/sbin/start_runit"] == modes["etc/rc.local"] == 0o755
    assert modes["etc/service/available/felix/run"] == 0o755
    assert modes["etc/calico/felix.cfg"] == 0o644
    assert not any(path.endswith(".gitkeep") for path in modes)


def test_the_controllers_can_write_their_status(images: dict[str, Image]) -> None:
    controllers = images[f"{calico.REGISTRY}/kube-controllers"]
    owners = {entry.path: entry.owner for entry in controllers.entries}
    assert str(owners["status/status.json"]) == controllers.user != "0"
    assert owners["usr/bin/kube-controllers"] == 0


def test_every_program_that_an_image_starts_is_in_it(images: dict[str, Image]) -> None:
    for image in images.values():
        held = {f"/{entry.path}" for entry in image.entries} | {"start_runit"}
        assert {*image.entrypoint, *image.command} <= held, image.name
