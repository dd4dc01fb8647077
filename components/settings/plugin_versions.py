"""Versions of the network plugins that the program can install. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from components.settings.choices import NetworkPluginName

# The CNI plugin that each release of Flannel names in its own manifest.
FLANNEL_CNI_PLUGINS: Final[Mapping[str, str]] = {"0.28.4": "v1.9.1-flannel1", "0.28.9": "v1.9.1-flannel3"}
# Those whose own manifests were compared with the program's: tests/components/manifests. Newest last.
CALICO_VERSIONS: Final = ("3.31.0", "3.32.0", "3.32.1")


def why_unknown(plugin: NetworkPluginName, version: str) -> str | None:
    """A remedy for a version that the program can't install, else None."""
    match plugin:
        case NetworkPluginName.FLANNEL:
            if version not in FLANNEL_CNI_PLUGINS:
                known = any_of(tuple(FLANNEL_CNI_PLUGINS))
                return f"Choose {known}: of these versions of Flannel, quorate knows the CNI plugin."
        case NetworkPluginName.CALICO:
            # Of another minor, images, custom resources and start-up differ.
            if minor_of(version) not in map(minor_of, CALICO_VERSIONS):
                return f"Choose {any_of(CALICO_VERSIONS)}: quorate installs no other Calico."
    return None


def why_not_compared(plugin: NetworkPluginName, version: str) -> str | None:
    """A remedy for a version that can be installed, and may need what quorate's manifest lacks; else None."""
    if plugin is not NetworkPluginName.CALICO or version in CALICO_VERSIONS or why_unknown(plugin, version):
        return None
    return (
        f"Choose {any_of(CALICO_VERSIONS)}: with what these versions of Calico need, quorate's manifest was compared."
    )


def minor_of(version: str) -> tuple[int, ...]:
    """`(3, 31)` of `3.31.0`."""
    return tuple(int(number) for number in version.split(".")[:2])


def any_of(versions: Sequence[str]) -> str:
    """`a, b or c`."""
    return f"{', '.join(versions[:-1])} or {versions[-1]}"
