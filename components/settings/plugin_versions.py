"""Versions of the network plugins that the program can install. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from components.settings.choices import NetworkPluginName

# The CNI plugin that each release of Flannel names in its own manifest.
FLANNEL_CNI_PLUGINS: Final[Mapping[str, str]] = {"0.28.4": "v1.9.1-flannel1", "0.28.9": "v1.9.1-flannel3"}
# Of another minor, images, custom resources and start-up differ.
CALICO_MINOR: Final = "3.32"


def why_unknown(plugin: NetworkPluginName, version: str) -> str | None:
    """A remedy for a version that the program can't install, else None."""
    match plugin:
        case NetworkPluginName.FLANNEL:
            if version not in FLANNEL_CNI_PLUGINS:
                known = " or ".join(FLANNEL_CNI_PLUGINS)
                return f"Choose {known}: of these versions of Flannel, quorate knows the CNI plugin."
        case NetworkPluginName.CALICO:
            if version.rpartition(".")[0] != CALICO_MINOR:
                return f'Choose a {CALICO_MINOR} version, such as "{CALICO_MINOR}.1": quorate installs no other Calico.'
    return None
