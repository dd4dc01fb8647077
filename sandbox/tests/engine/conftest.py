"""Tests of the engine with the sandbox's plugins have a project of their own."""

from __future__ import annotations

from tests.pulumi_project import engine, project

__all__ = ["engine", "project"]
