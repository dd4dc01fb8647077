"""What a machine is told at its first boot. Pure. User data is readable on the machine: it never holds a secret."""

from __future__ import annotations

import base64
import gzip
import json

from components.delivery.boot_sources import without_comments
from components.delivery.inline_program import host_key_program
from components.delivery.node_files import NodeFile

# EC2's limit, before base64.
LIMIT_BYTES = 16384


def cloud_config(
    hostname: str, host_key_parameter: str | None, files: tuple[NodeFile, ...], units: tuple[str, ...]
) -> str:
    """The cloud-config: the pinned SSH host key before sshd opens, the files, and `units` started in the background.

    Without `host_key_parameter` the machine makes a host key of its own.
    """
    document: dict[str, object] = {
        "hostname": hostname,
        "preserve_hostname": False,
        # "localhost" keeps cloud-init from rewriting /etc/hosts at every boot, where the API's name may stand.
        "manage_etc_hosts": "localhost",
    }
    if host_key_parameter:
        # The host key comes from the parameter store: cloud-init must not delete it, nor add others beside it.
        document["ssh_deletekeys"] = False
        document["ssh_genkeytypes"] = ["ed25519"]
        document["bootcmd"] = [["python3", "-c", host_key_program(), host_key_parameter]]
    document["write_files"] = [
        {"path": file.path, "permissions": file.mode, "content": without_comments(file.path, file.content)}
        for file in files
    ]
    if units:
        document["runcmd"] = [["systemctl", "daemon-reload"], ["systemctl", "start", "--no-block", *units]]
    # JSON is YAML, and needs less room than what a YAML library makes of texts of many lines.
    return "#cloud-config\n" + json.dumps(document, ensure_ascii=False)


def compressed(text: str) -> str:
    """User data as base64 of gzip, which cloud-init unpacks. Raises ValueError beyond EC2's limit."""
    packed = gzip.compress(text.encode(), compresslevel=9, mtime=0)
    if len(packed) > LIMIT_BYTES:
        raise ValueError(f"user data is {len(packed)} bytes compressed; EC2 takes {LIMIT_BYTES}. Shorten the scripts")
    return base64.b64encode(packed).decode()
