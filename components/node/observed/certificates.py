"""The certificates on this machine: where each is, whose it is, and when it ends."""

from __future__ import annotations

import base64
import binascii
import re
import ssl
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

# The one package beside the standard library: cloud-init needs it, so every machine has it.
import yaml

from components.node.common.failure import Failure
from components.node.common.programs import run
from components.node.etcd.snapshot.due import iso_time

# Not the one that a kubelet serves with: it signs that itself, and nobody verifies it.
_FILES: Final = (
    "etc/etcd/pki/*.crt",
    "etc/kubernetes/pki/*.crt",
    "etc/kubernetes/pki/etcd/*.crt",
    "var/lib/kubelet/pki/kubelet-client-current.pem",
)
_KUBECONFIGS: Final = "etc/kubernetes/*.conf"
_PEM: Final = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


def certificates(root: Path = Path("/")) -> list[Mapping[str, Any]]:
    """Each with `path`, `holder` and `expires`, or `why` it can't be read. Never a key."""
    found: list[Mapping[str, Any]] = []
    for pattern in _FILES:
        for path in sorted(root.glob(pattern)):
            found += _read(path, Path.read_text)
    for path in sorted(root.glob(_KUBECONFIGS)):
        found += _read(path, _of_its_user)
    return found


def _read(path: Path, text_of: Callable[[Path], str]) -> Iterator[Mapping[str, Any]]:
    try:
        for pem in _PEM.findall(text_of(path)):
            yield {"path": str(path), "why": "", **_facts(pem)}
    except (Failure, OSError, ValueError) as error:
        yield {"path": str(path), "why": str(error), "holder": "", "expires": ""}


def _facts(pem: str) -> Mapping[str, str]:
    said = run(["openssl", "x509", "-noout", "-subject", "-enddate", "-nameopt", "RFC2253"], stdin=pem)
    facts = dict(line.split("=", 1) for line in said.splitlines() if "=" in line)
    return {"holder": facts["subject"].strip(), "expires": iso_time(ssl.cert_time_to_seconds(facts["notAfter"]))}


def _of_its_user(path: Path) -> str:
    """The certificate in a kubeconfig; "" where it names a file, which counts by itself."""
    try:
        users = (yaml.safe_load(path.read_text()) or {}).get("users") or []
        data = [user["user"].get("client-certificate-data", "") for user in users]
        return "\n".join(base64.b64decode(each).decode() for each in data)
    except (yaml.YAMLError, AttributeError, KeyError, TypeError, binascii.Error, UnicodeDecodeError) as error:
        # Not the error's own text: it may show a line of the file.
        raise Failure(f"it can't be read as a kubeconfig ({type(error).__name__})") from None
