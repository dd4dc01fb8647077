"""A client certificate for a day, for what has to be done before this machine has its own."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from components.node.common.https import Trust
from components.node.common.programs import run

# In memory, so that no key is ever on a disk.
RUN = Path(os.environ.get("QUORATE_RUN", "/run/quorate"))


@contextmanager
def minted_certificate(authority: Path, subject: str, folder: Path = RUN) -> Iterator[Trust]:
    """`authority` with .crt and .key are its files, `subject` is as openssl writes it. Gone when the block ends."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="certificate.", dir=folder) as name:
        work = Path(name)
        key, wanted, certificate, extensions = (
            work / file for file in ("client.key", "client.csr", "client.crt", "extensions")
        )
        extensions.write_text("extendedKeyUsage = clientAuth\nkeyUsage = digitalSignature\n")
        run(["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
             "-subj", subject, "-keyout", str(key), "-out", str(wanted)])  # fmt: skip
        run(["openssl", "x509", "-req", "-in", str(wanted), "-CA", f"{authority}.crt", "-CAkey", f"{authority}.key",
             "-days", "1", "-out", str(certificate), "-extfile", str(extensions)])  # fmt: skip
        yield Trust(Path(f"{authority}.crt"), certificate, key)
