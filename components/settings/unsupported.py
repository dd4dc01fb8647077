"""Settings that make sense and that the program can't build yet. Pure. Shrinks until it is empty and can go."""

from __future__ import annotations

from components.settings.model import EtcdTopology, NatMode, NetworkPluginName, Settings
from components.settings.problems import Problem
from components.settings.rules.facts import problem


def unsupported(settings: Settings) -> tuple[Problem, ...]:
    """What a stack asks for that isn't built yet: refused, so that nothing is silently left out."""
    control_plane, etcd, plugin = settings.control_plane, settings.etcd, settings.network_plugin
    asked: tuple[tuple[bool, str, object, str], ...] = (
        (control_plane.count > 1, "controlPlane.count", control_plane.count, "use 1"),
        (etcd.topology is not EtcdTopology.STACKED, "etcd.topology", etcd.topology, "use stacked"),
        (settings.network.nat is not NatMode.NONE, "network.nat", settings.network.nat, "use none"),
        (settings.access.bastion, "access.bastion", True, "use false"),
        (
            bool(settings.workers),
            "workers",
            settings.workers,
            "leave it empty and set controlPlane.schedulable to true",
        ),
        (plugin.name is not NetworkPluginName.FLANNEL, "networkPlugin.name", plugin.name, "use flannel"),
        (settings.backups.enabled, "backups.enabled", True, "use false"),
    )
    return tuple(problem(path, found, f"Not built yet: {instead}.") for no, path, found, instead in asked if no)
