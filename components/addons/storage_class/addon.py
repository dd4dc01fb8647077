"""The default StorageClass, for a driver that somebody else installs. Pure."""

from __future__ import annotations

from components.addons.contract import AddOn

STORAGE_CLASS = AddOn("storage_class", wanted=lambda plan: bool(plan.settings.addons.storage_class_provisioner))
