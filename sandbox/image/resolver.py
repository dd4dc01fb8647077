"""Which resolver one machine asks. The resolver is the network's, the image is shared."""

from __future__ import annotations

_DROP_IN = "/etc/systemd/resolved.conf.d/machine.conf"


def files_that_ask(address: str) -> dict[str, bytes]:
    """Files, by path in the machine, by which systemd-resolved asks the DNS server at `address`.

    On EC2 it learns that from the network's DHCP; the machine's own files are the same.
    """
    return {_DROP_IN: f"[Resolve]\nDNS={address}\n".encode()}
