"""Which HTTP proxy a request goes through, by HTTPS_PROXY, HTTP_PROXY and NO_PROXY as Go programs read them. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit


def proxy_for(url: str, environment: Mapping[str, str]) -> str:
    """The proxy's URL, or "" for a direct connection. Loopback is always direct."""
    parts = urlsplit(url)
    host, port = (parts.hostname or "").lower(), parts.port or (443 if parts.scheme == "https" else 80)
    proxy = _variable(environment, "HTTPS_PROXY" if parts.scheme == "https" else "HTTP_PROXY")
    if not proxy or not host or _is_loopback(host):
        return ""
    for entry in _variable(environment, "NO_PROXY").lower().split(","):
        if entry.strip() and _excludes(entry.strip(), host, port):
            return ""
    return proxy if "://" in proxy else f"http://{proxy}"


def _variable(environment: Mapping[str, str], name: str) -> str:
    return environment.get(name) or environment.get(name.lower()) or ""


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return None


def _is_loopback(host: str) -> bool:
    address = _address(host)
    return host == "localhost" or (address is not None and address.is_loopback)


def _excludes(entry: str, host: str, port: int) -> bool:
    """One entry: `*`, an address, a network, `example.com` (and below), `.example.com` (below), each with a port."""
    if entry == "*":
        return True
    address = _address(host)
    if "/" in entry:
        try:
            return address is not None and address in ipaddress.ip_network(entry, strict=False)
        except ValueError:
            return False
    name, colon, wanted_port = entry.rpartition(":")
    if colon and wanted_port.isdigit() and _address(entry) is None:
        if int(wanted_port) != port:
            return False
        entry = name
    listed = _address(entry)
    if listed is not None or address is not None:
        return listed == address
    entry = entry.removeprefix("*")
    return host.endswith(entry) if entry.startswith(".") else host == entry or host.endswith(f".{entry}")
