"""Archives that projects publish with their releases, under the names that they have there."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

from sandbox.internet.archive import program, write_tar
from sandbox.internet.deb import ARCHITECTURE
from sandbox.toolchain.build import binary, tool_named

ETCD_COMMANDS = ("etcd", "etcdctl", "etcdutl")


def write_etcd_release(site: Path) -> Path:
    """Writes etcd's archive and the list of its sums below `site`, and returns the archive."""
    version = tool_named("etcd").version
    folder = site / f"github.com/etcd-io/etcd/releases/download/v{version}"
    folder.mkdir(parents=True)
    name = f"etcd-v{version}-linux-{ARCHITECTURE}"
    archive = folder / f"{name}.tar.gz"
    # Nothing is dated, so that the same programs give the same sum. Level 1: what reads it is on the same host.
    with archive.open("wb") as file, gzip.GzipFile("", "wb", 1, file, mtime=0) as output:
        write_tar((program(command, binary("etcd", command)) for command in ETCD_COMMANDS), output, f"{name}/")
    with archive.open("rb") as content:
        checksum = hashlib.file_digest(content, "sha256").hexdigest()
    (folder / "SHA256SUMS").write_text(f"{checksum}  {archive.name}\n")
    return archive
