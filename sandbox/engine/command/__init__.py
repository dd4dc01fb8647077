"""Stands in for the plugin of pulumi-command 1.2.1: runs commands here and over SSH, and copies files."""
