"""Calls of AWS's services that take a query and answer in XML."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from urllib.parse import urlencode

from components.node.common.aws import call


def query(service: str, version: str, action: str, parameters: Mapping[str, str]) -> str:
    """The service's answer. Raises Failure with AWS's own reason."""
    body = urlencode({"Action": action, **parameters, "Version": version})
    return call(service, action, body, "application/x-www-form-urlencoded")


def text_of(parent: ElementTree.Element, path: str) -> str:
    """The text of an element below `parent`, by names with slashes between, in any namespace; "" without one."""
    return (parent.findtext("/".join(f"{{*}}{name}" for name in path.split("/"))) or "").strip()
