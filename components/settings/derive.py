"""Defaults that follow from other settings. Pure."""

from __future__ import annotations

from dataclasses import replace

from components.settings.model import Settings
from components.settings.rules.facts import Facts


def derived(facts: Facts) -> Settings:
    """The settings with every default filled in that depends on what else the stack says."""
    settings = facts.settings
    if facts.was_given("apiEndpoint.loadBalancer"):
        return settings
    several = settings.control_plane.count > 1
    return replace(settings, api_endpoint=replace(settings.api_endpoint, load_balancer=several))
