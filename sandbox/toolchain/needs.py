"""Which tools a stack needs, and why: what none of the chosen stacks uses is not built. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from components.addons.catalogue import wanted_addons
from components.plan import Plan
from components.settings.choices import NetworkPluginName
from components.settings.model import Settings
from sandbox.toolchain.build import tool_named
from sandbox.toolchain.tools import TOOLS

_OF_PLUGIN: Mapping[NetworkPluginName, tuple[str, ...]] = {
    NetworkPluginName.FLANNEL: ("flannel", "flannel-cni"),
    NetworkPluginName.CALICO: ("calico",),
}
_OF_ADDON: Mapping[str, tuple[str, ...]] = {"metrics_server": ("metrics-server",)}
_OF_CHECKS = ("actionlint",)
_OF_SOME = (
    *(tool for tools in (*_OF_PLUGIN.values(), *_OF_ADDON.values()) for tool in tools),
    "containerd-previous",
)

EVERY_STACK = tuple(tool.name for tool in TOOLS if tool.name not in _OF_CHECKS)
"""What any stack may need."""
ALWAYS = tuple(name for name in EVERY_STACK if name not in _OF_SOME)
"""What each stack needs."""


def needed_by(stacks: Iterable[Settings]) -> dict[str, str]:
    """Tools beside ALWAYS, each with what asks for it: a setting, by key path and value, or an add-on."""
    found: dict[str, str] = {}
    for stack in stacks:
        name, plugin, containerd = stack.cluster.name, stack.network_plugin.name, stack.cluster.containerd_version
        for tool in _OF_PLUGIN[plugin]:
            found.setdefault(tool, f"{name}: networkPlugin.name is {plugin}")
        for addon in wanted_addons(Plan(stack)):
            for tool in _OF_ADDON.get(addon.name, ()):
                found.setdefault(tool, f"{name}: it has the add-on {addon.name}")
        if containerd == tool_named("containerd-previous").version:
            found.setdefault("containerd-previous", f"{name}: cluster.containerdVersion is {containerd}")
    return found
