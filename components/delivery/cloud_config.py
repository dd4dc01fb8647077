"""What a machine gets at its first boot. Pure. User data is readable on the machine: it never holds a secret."""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from components.delivery.boot_sources import without_comments
from components.delivery.inline_program import host_key_program
from components.delivery.node_files import NodeFile, ssh_order

# EC2's limit, before base64.
LIMIT_BYTES = 16384
_FIRST_LINE = "#cloud-config"
# Of a file that names none.
_USUAL_MODE = "0644"


def cloud_config(
    hostname: str, host_key_parameter: str | None, files: tuple[NodeFile, ...], units: tuple[str, ...]
) -> str:
    """The cloud-config: the pinned SSH host key before sshd opens, the files, and `units` started in the background.

    Without `host_key_parameter` the machine makes a host key of its own.
    """
    document: dict[str, object] = {
        "hostname": hostname,
        # "localhost" keeps cloud-init from rewriting /etc/hosts at every boot, where the API's name may stand.
        "manage_etc_hosts": "localhost",
    }
    if host_key_parameter:
        # The host key comes from the parameter store: cloud-init must not delete it, nor add others beside it.
        document["ssh_deletekeys"] = False
        document["ssh_genkeytypes"] = ["ed25519"]
        document["bootcmd"] = [["python3", "-c", host_key_program(), host_key_parameter], _configure_ssh()]
    document["write_files"] = [
        _entry(file)
        # Python beside that of bootcmd: gzip finds what is alike only while it is near.
        for file in sorted(files, key=lambda file: not file.path.endswith(".py"))
    ]
    if units:
        document["runcmd"] = [["systemctl", "daemon-reload"], ["systemctl", "start", "--no-block", *units]]
    # JSON is YAML, and needs less room than what a YAML library makes of texts of many lines.
    return f"{_FIRST_LINE}\n" + json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def _entry(file: NodeFile) -> dict[str, str]:
    permissions = {} if file.mode == _USUAL_MODE else {"permissions": file.mode}
    return {"path": file.path, **permissions, "content": without_comments(file.path, file.content)}


def _configure_ssh() -> list[str]:
    """Files are written too late for systemd, which would have ordered sshd already.

    Steps may be silent for many minutes, and what is on the way forgets silent connections: NAT gateways after 350 s.
    """
    order = ssh_order()
    text = order.content.partition("\n")[2].rstrip()
    lines = (
        "echo ClientAliveInterval 60 >/etc/ssh/sshd_config.d/50-quorate.conf",
        f"mkdir -p {order.path.rpartition('/')[0]}",
        f"echo '{text}' >{order.path}",
        "systemctl daemon-reload",
    )
    return ["sh", "-c", "; ".join(lines)]


def compressed(text: str) -> str:
    """User data as base64 of gzip, which cloud-init unpacks. Raises ValueError beyond EC2's limit."""
    data = packed(text)
    if len(data) > LIMIT_BYTES:
        raise ValueError(f"user data is {len(data)} bytes compressed; EC2 takes {LIMIT_BYTES}. Shorten the scripts")
    return base64.b64encode(data).decode()


def packed(text: str) -> bytes:
    """User data as EC2 counts it: of deflate's block sizes, the one that makes it smallest."""
    return min((_gzip(text.encode(), memory_level) for memory_level in (5, 6, 7, 8)), key=len)


def _gzip(data: bytes, memory_level: int) -> bytes:
    """Without a time stamp, so that equal texts stay equal. zlib calls the block size a level of memory."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31, memory_level)
    return packer.compress(data) + packer.flush()


@dataclass(frozen=True)
class CloudConfig:
    """A cloud-config as it was read."""

    document: Mapping[str, Any]

    @property
    def files(self) -> Mapping[str, str]:
        """The files that it writes, path to content."""
        entries = self.document.get("write_files") or ()
        return {
            entry["path"]: str(entry.get("content", ""))
            for entry in entries
            if isinstance(entry, Mapping) and isinstance(entry.get("path"), str)
        }

    @property
    def rest(self) -> Mapping[str, Any]:
        """All that it says besides."""
        return {key: value for key, value in self.document.items() if key != "write_files"}


def read_cloud_config(user_data: str) -> CloudConfig | None:
    """The cloud-config in user data, packed or plain; None for anything else."""
    text = unpacked(user_data)
    if not text.startswith(_FIRST_LINE):
        return None
    try:
        document = _document(text)
    except (yaml.YAMLError, ValueError):
        return None
    return CloudConfig(document) if isinstance(document, Mapping) else None


def _document(text: str) -> Any:
    """`cloud_config` writes JSON, which is read in a hundredth of the time that YAML takes."""
    try:
        return json.loads(text.removeprefix(_FIRST_LINE))
    except ValueError:
        return yaml.safe_load(text)


def unpacked(user_data: str) -> str:
    """The text in user data that is base64, of gzip or not; any other text as it is."""
    try:
        data = base64.b64decode(user_data, validate=True)
    except (binascii.Error, ValueError):
        return user_data
    if data[:2] == b"\x1f\x8b":
        try:
            data = zlib.decompress(data, wbits=31)
        except zlib.error:
            return user_data
    try:
        return data.decode()
    except UnicodeDecodeError:
        return user_data
